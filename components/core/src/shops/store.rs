//! The table `shop`, and the accounts of shops as a whole.

use std::collections::HashMap;

use datamp_models::Currency;
use datamp_models::core::{Owner, ShopId, ShopStatus};
use datamp_sdk::database::{self, JsonText, Transaction};
use datamp_sdk::{Timestamp, params};
use serde::{Deserialize, Serialize};

use super::{IdTaken, NewShop, Shop};
use crate::ledger;
use crate::sql::Statement;

const INSERT: Statement = Statement {
    sqlite: "INSERT INTO shop (id, name, search_name, status, currency, created_at) \
             SELECT value ->> 'id', value ->> 'name', value ->> 'search_name', value ->> 'status', value ->> 'currency', $2 \
             FROM json_each($1) WHERE true ON CONFLICT (id) DO NOTHING",
    postgresql: "INSERT INTO shop (id, name, search_name, status, currency, created_at) \
                 SELECT id, name, search_name, status, currency, $2 FROM json_to_recordset(CAST(CAST($1 AS TEXT) AS JSON)) \
                 AS r (id TEXT, name TEXT, search_name TEXT, status TEXT, currency TEXT) ON CONFLICT (id) DO NOTHING",
};

const BY_IDS: Statement = Statement {
    sqlite: "SELECT id, name, status, currency, created_at FROM shop WHERE id IN (SELECT value FROM json_each($1))",
    postgresql: "SELECT id, name, status, currency, created_at FROM shop WHERE id = ANY($1)",
};

/// Shops without accounts have a row of NULLs, which tells them from shops that are not there.
const BALANCES: Statement = Statement {
    sqlite: "SELECT s.id AS shop_id, a.currency, a.credits_posted - a.debits_posted AS posted, \
             a.credits_posted - a.debits_posted - a.debits_pending AS available \
             FROM shop AS s LEFT JOIN account AS a ON a.shop_id = s.id \
             WHERE s.id IN (SELECT value FROM json_each($1)) ORDER BY s.id, a.currency",
    postgresql: "SELECT s.id AS shop_id, a.currency, a.credits_posted - a.debits_posted AS posted, \
                 a.credits_posted - a.debits_posted - a.debits_pending AS available \
                 FROM shop AS s LEFT JOIN account AS a ON a.shop_id = s.id \
                 WHERE s.id = ANY($1) ORDER BY s.id, a.currency",
};

#[derive(Serialize)]
struct NewRow<'a> {
    id: &'a str,
    name: &'a str,
    search_name: String,
    status: ShopStatus,
    currency: Currency,
}

/// Creates shops with their accounts, element by element; three statements whatever their number. Where a shop with the
/// id, name and currency is there already, it is the answer.
pub fn create(tx: &Transaction, new: &[NewShop]) -> Result<Vec<Result<Shop, IdTaken>>, database::Error> {
    let now = Timestamp::now();
    let mut rows: Vec<_> = new
        .iter()
        .map(|shop| NewRow {
            id: shop.id.as_str(),
            name: shop.name.as_str(),
            search_name: search_name(shop.name.as_str()),
            status: ShopStatus::Active,
            currency: shop.currency,
        })
        .collect();
    // Two that create the same shops must not wait for each other in a circle.
    rows.sort_by_key(|row| row.id);
    tx.execute(INSERT.text(), params![JsonText(&rows), now])?;

    // Read in a statement of its own: where another transaction created a shop, the one above waited for it.
    let ids: Vec<&str> = new.iter().map(|shop| shop.id.as_str()).collect();
    let there: HashMap<_, _> = by_ids(tx.query(BY_IDS.text(), params![ids])?);
    let results: Vec<_> = new
        .iter()
        .map(|new| {
            let shop = there.get(&new.id).ok_or(IdTaken)?;
            new.matches(shop).map(|()| shop.clone())
        })
        .collect();

    let mut accounts: Vec<_> =
        results.iter().flatten().map(|shop| (Owner::Shop(shop.id.clone()), shop.currency)).collect();
    for currency in results.iter().flatten().map(|shop| shop.currency) {
        accounts.extend([(Owner::SANDBOX, currency), (Owner::ADVERTISING, currency)]);
    }
    accounts.sort();
    accounts.dedup();
    ledger::store::open(tx, &accounts, now)?;
    Ok(results)
}

/// Shops by their ids, in the order that they were asked in; `None` for one that is not there.
pub fn get(ids: &[ShopId]) -> Result<Vec<Option<Shop>>, database::Error> {
    let texts: Vec<&str> = ids.iter().map(ShopId::as_str).collect();
    let there = by_ids(database::query(BY_IDS.text(), params![texts])?);
    Ok(ids.iter().map(|id| there.get(id).cloned()).collect())
}

/// What a shop owns in one currency, in minor units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balance {
    /// The currency.
    pub currency: Currency,
    /// Top-ups less payments.
    pub posted: i64,
    /// What of it can be spent now.
    pub available: i64,
}

#[derive(Deserialize)]
struct BalanceRow {
    shop_id: ShopId,
    currency: Option<Currency>,
    posted: Option<i64>,
    available: Option<i64>,
}

/// The balances of shops by currency, in the order that the shops were asked in; `None` for a shop that is not there.
pub fn balances(ids: &[ShopId]) -> Result<Vec<Option<Vec<Balance>>>, database::Error> {
    let texts: Vec<&str> = ids.iter().map(ShopId::as_str).collect();
    let rows: Vec<BalanceRow> = database::query(BALANCES.text(), params![texts])?;
    let mut of_shop: HashMap<ShopId, Vec<Balance>> = HashMap::new();
    for row in rows {
        let balances = of_shop.entry(row.shop_id).or_default();
        if let (Some(currency), Some(posted), Some(available)) = (row.currency, row.posted, row.available) {
            balances.push(Balance { currency, posted, available });
        }
    }
    Ok(ids.iter().map(|id| of_shop.get(id).cloned()).collect())
}

/// A name, or a part of one, as it is searched.
pub fn search_name(name: &str) -> String {
    name.to_lowercase()
}

fn by_ids(shops: Vec<Shop>) -> HashMap<ShopId, Shop> {
    shops.into_iter().map(|shop| (shop.id.clone(), shop)).collect()
}
