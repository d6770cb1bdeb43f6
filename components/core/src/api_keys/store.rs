//! The table `api_key`.

use std::collections::HashMap;

use datamp_models::core::{ApiKeyId, ShopId, ShopStatus};
use datamp_sdk::database::{self, JsonText, Transaction};
use datamp_sdk::{Timestamp, params};
use serde::{Deserialize, Serialize};

use super::{ApiKey, Draft, MAX_LIVE, Refusal};
use crate::seconds::Overlap;
use crate::sql::Statement;

/// The shops that keys are asked for, and how many live keys each has.
const SHOPS: Statement = Statement {
    sqlite: "SELECT s.id, s.status, COUNT(k.id) AS live FROM shop AS s \
             LEFT JOIN api_key AS k ON k.shop_id = s.id AND k.revoked_at IS NULL \
             AND (k.expires_at IS NULL OR k.expires_at > $2) \
             WHERE s.id IN (SELECT value FROM json_each($1)) GROUP BY s.id, s.status",
    postgresql: "SELECT s.id, s.status, COUNT(k.id) AS live FROM shop AS s \
                 LEFT JOIN api_key AS k ON k.shop_id = s.id AND k.revoked_at IS NULL \
             AND (k.expires_at IS NULL OR k.expires_at > $2) \
                 WHERE s.id = ANY($1) GROUP BY s.id, s.status",
};

/// On SQLite a writing transaction is alone.
const LOCK_SHOPS: Statement = Statement {
    sqlite: "SELECT id FROM shop WHERE id IN (SELECT value FROM json_each($1)) ORDER BY id",
    postgresql: "SELECT id FROM shop WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE",
};

const INSERT: Statement = Statement {
    sqlite: "INSERT INTO api_key (id, shop_id, name, prefix, hash, scopes, created_at, expires_at) \
             SELECT value ->> 'id', value ->> 'shop_id', value ->> 'name', value ->> 'prefix', value ->> 'hash', \
             value ->> 'scopes', value ->> 'created_at', value ->> 'expires_at' FROM json_each($1)",
    postgresql: "INSERT INTO api_key (id, shop_id, name, prefix, hash, scopes, created_at, expires_at) \
                 SELECT id, shop_id, name, prefix, hash, scopes, created_at, expires_at FROM json_to_recordset(CAST(CAST($1 AS TEXT) AS JSON)) \
                 AS r (id TEXT, shop_id TEXT, name TEXT, prefix TEXT, hash TEXT, scopes TEXT, \
                 created_at BIGINT, expires_at BIGINT)",
};

/// What a key is listed with.
macro_rules! columns {
    () => {
        "id, shop_id, name, prefix, scopes, created_at, expires_at, last_used_at, revoked_at"
    };
}

/// The most keys that are listed; revoked ones beyond it are the oldest.
const OF_SHOP: &str = concat!("SELECT ", columns!(), " FROM api_key WHERE shop_id = $1 ORDER BY id DESC LIMIT 1000");

const BY_ID: &str = concat!("SELECT ", columns!(), " FROM api_key WHERE shop_id = $1 AND id = $2");

const REVOKE: &str = concat!(
    "UPDATE api_key SET revoked_at = COALESCE(revoked_at, $3) WHERE shop_id = $1 AND id = $2 RETURNING ",
    columns!()
);

const LIVE: &str = "SELECT id FROM api_key WHERE shop_id = $1 AND id = $2 AND revoked_at IS NULL \
                    AND (expires_at IS NULL OR expires_at > $3)";

/// An overlap never makes a key work for longer than it would.
const END: &str = "UPDATE api_key SET expires_at = CASE WHEN expires_at < $4 THEN expires_at ELSE $4 END \
                   WHERE shop_id = $1 AND id = $2 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $3)";

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
    scopes: Option<String>,
    created_at: i64,
    expires_at: Option<i64>,
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
            scopes: api_key.scopes.kept(),
            created_at: api_key.created_at.as_micros(),
            expires_at: api_key.expires_at.map(Timestamp::as_micros),
        }
    }
}

/// Makes keys, element by element; three statements whatever their number.
pub fn create(tx: &Transaction, drafts: &[Draft]) -> Result<Vec<Result<(), Refusal>>, database::Error> {
    let ids: Vec<&str> = drafts.iter().map(|draft| draft.api_key.shop_id.as_str()).collect();
    let mut shops = lock(tx, &ids)?;
    let results: Vec<_> = drafts.iter().map(|draft| admit(shops.get_mut(&draft.api_key.shop_id))).collect();

    let admitted = drafts.iter().zip(&results).filter(|(_, result)| result.is_ok());
    let rows: Vec<_> = admitted.map(|(draft, _)| NewRow::from(draft)).collect();
    if !rows.is_empty() {
        tx.execute(INSERT.text(), params![JsonText(&rows)])?;
    }
    Ok(results)
}

/// The shops as they are now, with their live keys. They are locked before these are counted: two who make one at the same time
/// count one after the other.
fn lock(tx: &Transaction, ids: &[&str]) -> Result<HashMap<ShopId, ShopRow>, database::Error> {
    let _: Vec<(String,)> = tx.query(LOCK_SHOPS.text(), params![ids])?;
    let rows: Vec<ShopRow> = tx.query(SHOPS.text(), params![ids, Timestamp::now()])?;
    Ok(rows.into_iter().map(|row| (row.id.clone(), row)).collect())
}

/// Makes a key in the place of another of its shop, which ends when the overlap is over. A refusal has written nothing.
pub fn rotate(
    tx: &Transaction,
    old: &ApiKeyId,
    overlap: Overlap,
    draft: &Draft,
) -> Result<Result<(), Refusal>, database::Error> {
    let shop = draft.api_key.shop_id.as_str();
    if let Err(refusal) = open(lock(tx, &[shop])?.get(&draft.api_key.shop_id)) {
        return Ok(Err(refusal));
    }
    // The clock is read under the lock: whoever comes second finds that the key has ended.
    let now = Timestamp::now();
    let live: Option<(String,)> = tx.query_optional(LIVE, params![shop, old.as_str(), now])?;
    if live.is_none() {
        return Ok(Err(Refusal::NotLive));
    }
    if let Some(Err(refusal)) = create(tx, std::slice::from_ref(draft))?.pop() {
        return Ok(Err(refusal));
    }
    if tx.execute(END, params![shop, old.as_str(), now, now + overlap.duration()])? == 0 {
        // It was revoked since it was looked at.
        return Err(tx.conflict());
    }
    Ok(Ok(()))
}

/// Whether a shop is there and not over.
fn open(shop: Option<&ShopRow>) -> Result<(), Refusal> {
    match shop {
        None => Err(Refusal::ShopNotFound),
        Some(shop) if shop.status == ShopStatus::Closed => Err(Refusal::ShopClosed),
        Some(_) => Ok(()),
    }
}

/// Whether a shop may have one more key, which is counted if so.
fn admit(shop: Option<&mut ShopRow>) -> Result<(), Refusal> {
    open(shop.as_deref())?;
    let shop = shop.ok_or(Refusal::ShopNotFound)?;
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

/// A key of a shop.
pub fn get(shop: &ShopId, id: &ApiKeyId) -> Result<Option<ApiKey>, database::Error> {
    database::query_optional(BY_ID, params![shop.as_str(), id.as_str()])
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
