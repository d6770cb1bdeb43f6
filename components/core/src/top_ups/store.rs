//! The tables `top_up` and `provider_event`.

use std::time::Duration;

use datamp_models::core::{ProviderName, ShopId, TopUpId, TopUpStatus, TransferId};
use datamp_models::{Amount, Currency};
use datamp_sdk::database::{self, JsonText, Transaction};
use datamp_sdk::{Timestamp, params};
use serde::{Deserialize, Serialize};

use super::TopUp;
use crate::listing::Listing;
use crate::provider::{Event, Started};
use crate::shops::OfShop;
use crate::sql::Statement;

const INSERT: &str = "INSERT INTO top_up (id, shop_id, amount, currency, status, provider, provider_reference, return_url, created_at, \
                      expires_at, idempotency_key, fingerprint) VALUES ($1, $2, $3, $4, 'pending', $5, '', $6, $7, $8, $9, $10)";

/// What is read of a top-up. In the database one that is created is pending, with no reference yet; one of the release before this
/// column has a day.
macro_rules! columns {
    () => {
        "id, CASE WHEN status = 'pending' AND provider_reference = '' THEN 'created' ELSE status END AS status, amount, currency, \
         provider, NULLIF(provider_reference, '') AS provider_reference, confirmation_url, return_url, \
         CASE WHEN status = 'failed' THEN failure END AS failure, created_at, \
         COALESCE(expires_at, created_at + 86400000000) AS expires_at, resolved_at"
    };
}

const BY_ID: &str = concat!("SELECT ", columns!(), " FROM top_up WHERE shop_id = $1 AND id = $2");

/// The list of a shop's top-ups.
pub const LISTING: Listing = Listing { table: "top_up", columns: columns!(), kept_as };

/// In the database one that is created is pending, with no reference yet.
fn kept_as(status: &'static str) -> (&'static str, &'static str) {
    match status {
        "created" => ("pending", " AND provider_reference = ''"),
        "pending" => ("pending", " AND provider_reference <> ''"),
        other => (other, ""),
    }
}

const OF_KEY: &str = "SELECT fingerprint, id FROM top_up WHERE shop_id = $1 AND idempotency_key = $2";

/// One that was begun already stays as it was begun, and one that was decided has no use for the rest.
const START: &str = "UPDATE top_up SET provider_reference = $2, confirmation_url = $3, expires_at = $4, \
                     check_at = CASE WHEN status IN ('pending', 'expired') THEN CAST($5 AS BIGINT) END WHERE id = $1 AND provider_reference = ''";

const REFUSE: &str = "UPDATE top_up SET status = 'failed', failure = $2, resolved_at = $3 \
                      WHERE id = $1 AND status = 'pending' AND provider_reference = ''";

const LOCK: Statement = Statement {
    sqlite: "SELECT shop_id, status, amount, currency FROM top_up WHERE provider = $1 AND id = $2",
    postgresql: "SELECT shop_id, status, amount, currency FROM top_up WHERE provider = $1 AND id = $2 FOR UPDATE",
};

/// `succeeded` is final, whatever is asked.
const RESOLVE: &str = "UPDATE top_up SET status = $2, transfer_id = $3, failure = $4, resolved_at = $5, check_at = NULL \
                       WHERE id = $1 AND status <> 'succeeded'";

const EXPIRE: &str = concat!(
    "UPDATE top_up SET status = 'expired', resolved_at = $1 WHERE status = 'pending' AND id IN (\
     SELECT id FROM top_up WHERE status = 'pending' \
     AND (expires_at <= $1 OR (expires_at IS NULL AND created_at <= $2)) ORDER BY created_at LIMIT 1000) RETURNING shop_id, ",
    columns!()
);

const DUE: &str = "SELECT id, provider, provider_reference, amount, currency, created_at FROM top_up \
                   WHERE check_at <= $1 AND status IN ('pending', 'expired') AND provider_reference <> '' ORDER BY check_at LIMIT $2";

const PUT_OFF: Statement = Statement {
    sqlite: "UPDATE top_up SET check_at = r.value ->> 'check_at' FROM json_each($1) AS r WHERE top_up.id = r.value ->> 'id' \
             AND top_up.status IN ('pending', 'expired')",
    postgresql: "UPDATE top_up SET check_at = r.check_at FROM json_to_recordset(CAST(CAST($1 AS TEXT) AS JSON)) \
                 AS r (id TEXT, check_at BIGINT) WHERE top_up.id = r.id AND top_up.status IN ('pending', 'expired')",
};

const NOTE_EVENT: &str = "INSERT INTO provider_event (provider, id, type, top_up_id, received_at) VALUES ($1, $2, $3, $4, $5) \
                          ON CONFLICT (provider, id) DO NOTHING";

const EVENT: &str = "SELECT type, top_up_id FROM provider_event WHERE provider = $1 AND id = $2";

/// Writes a new top-up down, before its provider is asked. `key` and `fingerprint` tell the request that asked for it.
pub fn insert(
    tx: &Transaction,
    shop: &ShopId,
    top_up: &TopUp,
    key: &str,
    fingerprint: &str,
) -> Result<(), database::Error> {
    tx.execute(
        INSERT,
        params![
            top_up.id.as_str(),
            shop.as_str(),
            top_up.amount.minor_units(),
            top_up.currency.code(),
            top_up.provider.as_str(),
            top_up.return_url,
            top_up.created_at,
            top_up.expires_at,
            key,
            fingerprint,
        ],
    )?;
    Ok(())
}

/// A top-up of a shop.
pub fn get(shop: &ShopId, id: &TopUpId) -> Result<Option<TopUp>, database::Error> {
    database::query_optional(BY_ID, params![shop.as_str(), id.as_str()])
}

/// A top-up that is there, as it is now.
pub fn reread(tx: &Transaction, shop: &ShopId, id: &TopUpId) -> Result<TopUp, database::Error> {
    tx.query_one(BY_ID, params![shop.as_str(), id.as_str()])
}

/// The top-up that an idempotency key was given for, with the fingerprint of the request.
pub fn of_key(tx: &Transaction, shop: &ShopId, key: &str) -> Result<Option<(String, TopUpId)>, database::Error> {
    tx.query_optional(OF_KEY, params![shop.as_str(), key])
}

/// Writes down that a provider has begun a top-up, unless that was done before.
pub fn start(
    tx: &Transaction,
    id: &TopUpId,
    started: &Started,
    expires_at: Timestamp,
    check_at: Option<Timestamp>,
) -> Result<(), database::Error> {
    let url = started.confirmation_url.as_ref().map(|url| url.as_str());
    tx.execute(START, params![id.as_str(), started.reference.as_str(), url, expires_at, check_at])?;
    Ok(())
}

/// Writes down that a provider does not begin a top-up; `false` where it was begun or decided meanwhile.
pub fn refuse(tx: &Transaction, id: &TopUpId, reason: Option<&str>, now: Timestamp) -> Result<bool, database::Error> {
    Ok(tx.execute(REFUSE, params![id.as_str(), reason, now])? == 1)
}

/// What decides about an event of a top-up.
#[derive(Clone, Debug, Deserialize)]
pub struct Locked {
    /// Whose it is.
    pub shop_id: ShopId,
    /// Where it stands.
    pub status: TopUpStatus,
    /// How much was asked for.
    pub amount: Amount,
    /// In which currency.
    pub currency: Currency,
}

/// Reads a top-up of a provider, and keeps others from changing it until the transaction ends.
pub fn lock(tx: &Transaction, provider: &ProviderName, id: &TopUpId) -> Result<Option<Locked>, database::Error> {
    tx.query_optional(LOCK.text(), params![provider.as_str(), id.as_str()])
}

/// What became of a top-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution<'a> {
    /// The transfer credited it.
    Succeeded(&'a TransferId),
    /// It failed; why.
    Failed(Option<&'a str>),
}

/// Writes what became of a top-up.
pub fn resolve(
    tx: &Transaction,
    id: &TopUpId,
    resolution: Resolution<'_>,
    now: Timestamp,
) -> Result<(), database::Error> {
    let (status, transfer, reason) = match resolution {
        Resolution::Succeeded(transfer) => (TopUpStatus::Succeeded, Some(transfer.as_str()), None),
        Resolution::Failed(reason) => (TopUpStatus::Failed, None, reason),
    };
    tx.execute(RESOLVE, params![id.as_str(), status.as_str(), transfer, reason, now])?;
    Ok(())
}

/// Nobody needs to ask the provider any more how it stands.
pub fn leave(tx: &Transaction, id: &TopUpId) -> Result<(), database::Error> {
    tx.execute("UPDATE top_up SET check_at = NULL WHERE id = $1", params![id.as_str()])?;
    Ok(())
}

/// Gives up at most 1,000 top-ups whose time is over, and answers them. Those of the release before have `lasts`.
pub fn expire(tx: &Transaction, now: Timestamp, lasts: Duration) -> Result<Vec<OfShop<TopUp>>, database::Error> {
    tx.query(EXPIRE, params![now, now - lasts])
}

/// A top-up whose provider is to be asked.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Due {
    /// Which.
    pub id: TopUpId,
    /// Whom.
    pub provider: ProviderName,
    /// What the provider calls it.
    pub provider_reference: String,
    /// How much was asked for.
    pub amount: Amount,
    /// In which currency.
    pub currency: Currency,
    /// When.
    pub created_at: Timestamp,
}

/// At most `most` top-ups whose providers are to be asked by now, those that waited longest first.
pub fn due(tx: &Transaction, now: Timestamp, most: usize) -> Result<Vec<Due>, database::Error> {
    tx.query(DUE, params![now, i64::try_from(most).unwrap_or(i64::MAX)])
}

#[derive(Serialize)]
struct PutOff<'a> {
    id: &'a str,
    check_at: Option<i64>,
}

/// Writes down when providers are to be asked next, if ever.
pub fn put_off(tx: &Transaction, due: &[Due], next: impl Fn(&Due) -> Option<Timestamp>) -> Result<(), database::Error> {
    if due.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> =
        due.iter().map(|due| PutOff { id: due.id.as_str(), check_at: next(due).map(Timestamp::as_micros) }).collect();
    tx.execute(PUT_OFF.text(), params![JsonText(&rows)])?;
    Ok(())
}

/// Whether an event was known before it was noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noted {
    /// It came for the first time.
    New,
    /// It came before.
    Known,
    /// Another event came with its id.
    IdTaken,
}

/// Notes that an event came.
pub fn note_event(
    tx: &Transaction,
    provider: &ProviderName,
    event: &Event,
    now: Timestamp,
) -> Result<Noted, database::Error> {
    let (id, kind, top_up) = (event.id.as_str(), event.word.kind.as_str(), event.top_up.as_str());
    if tx.execute(NOTE_EVENT, params![provider.as_str(), id, kind, top_up, now])? == 1 {
        return Ok(Noted::New);
    }
    let known: (String, String) = tx.query_one(EVENT, params![provider.as_str(), id])?;
    Ok(if known == (kind.to_owned(), top_up.to_owned()) { Noted::Known } else { Noted::IdTaken })
}
