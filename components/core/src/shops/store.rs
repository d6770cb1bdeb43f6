//! The table `shop`, and the accounts of shops as a whole.

use std::collections::HashMap;

use datamp_models::Currency;
use datamp_models::core::{AccountId, Owner, ShopId, ShopStatus};
use datamp_sdk::database::{self, JsonText, Transaction};
use datamp_sdk::{Timestamp, params};
use serde::{Deserialize, Serialize};

use super::{IdTaken, NewShop, Shop};
use crate::authentication::ShopAccount;
use crate::ledger;
use crate::ledger::account::Totals;
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

/// Not FOR UPDATE: every row that refers to the shop locks its key, and whoever posts would wait for who waits for the accounts.
const LOCK: Statement = Statement {
    sqlite: "SELECT id, name, status, currency, created_at FROM shop WHERE id = $1",
    postgresql: "SELECT id, name, status, currency, created_at FROM shop WHERE id = $1 FOR NO KEY UPDATE",
};

/// In the order in which postings take their locks.
const LOCK_ACCOUNTS: Statement = Statement {
    sqlite: "SELECT debits_posted, credits_posted, debits_pending, credits_pending FROM account \
             WHERE shop_id = $1 ORDER BY id",
    postgresql: "SELECT debits_posted, credits_posted, debits_pending, credits_pending FROM account \
                 WHERE shop_id = $1 ORDER BY id FOR UPDATE",
};

const ACCOUNT: &str = "SELECT currency, status, credits_posted - debits_posted AS posted, \
                       credits_posted - debits_posted - debits_pending AS available FROM account WHERE id = $1";

const SET_STATUS: &str = "UPDATE shop SET status = $2 WHERE id = $1";

/// An account's statuses have the names of a shop's.
const SET_STATUS_OF_ACCOUNTS: &str = "UPDATE account SET status = $2 WHERE shop_id = $1";

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

    open_accounts(tx, results.iter().flatten().map(|shop| (shop.id.clone(), shop.currency)))?;
    Ok(results)
}

/// Opens accounts of shops, those of them that are not there yet, and the system's that money moves from and to in their currencies.
pub(super) fn open_accounts(
    tx: &Transaction,
    of: impl IntoIterator<Item = (ShopId, Currency)>,
) -> Result<(), database::Error> {
    let mut accounts: Vec<_> = of
        .into_iter()
        .flat_map(|(shop, currency)| [(Owner::Shop(shop), currency), (Owner::ADVERTISING, currency)])
        .collect();
    accounts.sort();
    accounts.dedup();
    ledger::store::open(tx, &accounts, Timestamp::now())
}

/// Shops by their ids, in the order that they were asked in; `None` for one that is not there.
pub fn get(ids: &[ShopId]) -> Result<Vec<Option<Shop>>, database::Error> {
    let texts: Vec<&str> = ids.iter().map(ShopId::as_str).collect();
    let there = by_ids(database::query(BY_IDS.text(), params![texts])?);
    Ok(ids.iter().map(|id| there.get(id).cloned()).collect())
}

/// Reads a shop, and keeps others from changing its status or opening accounts for it until the transaction ends.
pub fn lock(tx: &Transaction, shop: &ShopId) -> Result<Option<Shop>, database::Error> {
    tx.query_optional(LOCK.text(), params![shop.as_str()])
}

/// Reads the totals of a shop's accounts, and keeps others from posting to them until the transaction ends.
pub(super) fn lock_accounts(tx: &Transaction, shop: &ShopId) -> Result<Vec<Totals>, database::Error> {
    tx.query(LOCK_ACCOUNTS.text(), params![shop.as_str()])
}

/// A shop's account in a currency.
pub(super) fn account(
    tx: &Transaction,
    shop: &ShopId,
    currency: Currency,
) -> Result<Option<ShopAccount>, database::Error> {
    let id = AccountId::of(&Owner::Shop(shop.clone()), currency);
    tx.query_optional(ACCOUNT, params![id.as_str()])
}

/// Writes where a shop stands, and its accounts with it.
pub(super) fn set_status(tx: &Transaction, shop: &ShopId, status: ShopStatus) -> Result<(), database::Error> {
    tx.execute(SET_STATUS, params![shop.as_str(), status.as_str()])?;
    tx.execute(SET_STATUS_OF_ACCOUNTS, params![shop.as_str(), status.as_str()])?;
    Ok(())
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
