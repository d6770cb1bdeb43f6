//! The table `api_key`.

use std::collections::HashMap;

use datamp_models::core::{ApiKeyId, ShopId, ShopStatus};
use datamp_sdk::database::{self, JsonText, Transaction};
use datamp_sdk::{Timestamp, params};
use serde::{Deserialize, Serialize};

use super::{ApiKey, Draft, MAX_LIVE, Refusal};
use crate::sql::Statement;

/// The shops that keys are asked for, and how many live keys each has.
const SHOPS: Statement = Statement {
    sqlite: "SELECT s.id, s.status, COUNT(k.id) AS live FROM shop AS s \
             LEFT JOIN api_key AS k ON k.shop_id = s.id AND k.revoked_at IS NULL \
             WHERE s.id IN (SELECT value FROM json_each($1)) GROUP BY s.id, s.status",
    postgresql: "SELECT s.id, s.status, COUNT(k.id) AS live FROM shop AS s \
                 LEFT JOIN api_key AS k ON k.shop_id = s.id AND k.revoked_at IS NULL \
                 WHERE s.id = ANY($1) GROUP BY s.id, s.status",
};

const INSERT: Statement = Statement {
    sqlite: "INSERT INTO api_key (id, shop_id, name, prefix, hash, created_at) \
             SELECT value ->> 'id', value ->> 'shop_id', value ->> 'name', value ->> 'prefix', value ->> 'hash', value ->> 'created_at' \
             FROM json_each($1)",
    postgresql: "INSERT INTO api_key (id, shop_id, name, prefix, hash, created_at) \
                 SELECT id, shop_id, name, prefix, hash, created_at FROM json_to_recordset(CAST(CAST($1 AS TEXT) AS JSON)) \
                 AS r (id TEXT, shop_id TEXT, name TEXT, prefix TEXT, hash TEXT, created_at BIGINT)",
};

/// The most keys that are listed; revoked ones beyond it are the oldest.
const OF_SHOP: &str = "SELECT id, shop_id, name, prefix, created_at, last_used_at, revoked_at FROM api_key \
                       WHERE shop_id = $1 ORDER BY id DESC LIMIT 1000";

const REVOKE: &str = "UPDATE api_key SET revoked_at = COALESCE(revoked_at, $3) WHERE shop_id = $1 AND id = $2 \
                      RETURNING id, shop_id, name, prefix, created_at, last_used_at, revoked_at";

#[derive(Deserialize)]
struct ShopRow {
    id: ShopId,
    status: ShopStatus,
    live: i64,
}

#[derive(Serialize)]
struct NewRow<'a> {
    id: &'a ApiKeyId,
    shop_id: &'a ShopId,
    name: &'a str,
    prefix: &'a str,
    hash: &'a str,
    created_at: i64,
}

impl<'a> From<&'a Draft> for NewRow<'a> {
    fn from(draft: &'a Draft) -> Self {
        let api_key = &draft.api_key;
        Self {
            id: &api_key.id,
            shop_id: &api_key.shop_id,
            name: &api_key.name,
            prefix: &api_key.prefix,
            hash: &draft.hash,
            created_at: api_key.created_at.as_micros(),
        }
    }
}

/// Makes keys, element by element; two statements whatever their number.
pub fn create(tx: &Transaction, drafts: &[Draft]) -> Result<Vec<Result<(), Refusal>>, database::Error> {
    let ids: Vec<&str> = drafts.iter().map(|draft| draft.api_key.shop_id.as_str()).collect();
    let rows: Vec<ShopRow> = tx.query(SHOPS.text(), params![ids])?;
    let mut shops: HashMap<_, _> = rows.into_iter().map(|row| (row.id.clone(), row)).collect();
    let results: Vec<_> = drafts.iter().map(|draft| admit(shops.get_mut(&draft.api_key.shop_id))).collect();

    let admitted = drafts.iter().zip(&results).filter(|(_, result)| result.is_ok());
    let rows: Vec<_> = admitted.map(|(draft, _)| NewRow::from(draft)).collect();
    if !rows.is_empty() {
        tx.execute(INSERT.text(), params![JsonText(&rows)])?;
    }
    Ok(results)
}

/// Whether a shop may have one more key, which is counted if so.
fn admit(shop: Option<&mut ShopRow>) -> Result<(), Refusal> {
    let shop = shop.ok_or(Refusal::ShopNotFound)?;
    if shop.status == ShopStatus::Closed {
        return Err(Refusal::ShopClosed);
    }
    if shop.live >= MAX_LIVE {
        return Err(Refusal::TooMany);
    }
    shop.live += 1;
    Ok(())
}

/// A shop's keys, the newest first, revoked ones too.
pub fn of_shop(shop: &ShopId) -> Result<Vec<ApiKey>, database::Error> {
    database::query(OF_SHOP, params![shop.as_str()])
}

/// Revokes a key of a shop, now. Revoking twice is no error and does not move the time. `None` if the shop has no such key.
pub fn revoke(shop: &ShopId, id: &ApiKeyId) -> Result<Option<ApiKey>, database::Error> {
    database::query_optional(REVOKE, params![shop.as_str(), id.as_str(), Timestamp::now()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shop_gets_keys_until_it_has_all_that_it_may_have() {
        let id = ShopId::parse("shop_01h455vb4pex5vsknk084sn02q").unwrap();
        let mut shop = ShopRow { id, status: ShopStatus::Frozen, live: MAX_LIVE - 1 };
        assert_eq!(admit(Some(&mut shop)), Ok(()));
        assert_eq!(admit(Some(&mut shop)), Err(Refusal::TooMany));
        shop.status = ShopStatus::Closed;
        assert_eq!(admit(Some(&mut shop)), Err(Refusal::ShopClosed));
        assert_eq!(admit(None), Err(Refusal::ShopNotFound));
    }
}
