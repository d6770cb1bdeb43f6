//! The tables `top_up` and `provider_event`.

use datamp_models::core::{ShopId, TopUpId, TopUpStatus, TransferId};
use datamp_models::{Amount, Currency};
use datamp_sdk::database::{self, Transaction};
use datamp_sdk::{Timestamp, params};
use serde::Deserialize;

use super::TopUp;
use crate::provider::Event;
use crate::sql::Statement;

const INSERT: &str = "INSERT INTO top_up (id, shop_id, amount, currency, status, provider, provider_reference, return_url, created_at) \
                      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

const BY_ID: &str = "SELECT id, status, amount, currency, provider, provider_reference, return_url, created_at, resolved_at \
                     FROM top_up WHERE shop_id = $1 AND id = $2";

const OF_SHOP: &str = "SELECT id, status, amount, currency, provider, provider_reference, return_url, created_at, resolved_at \
                       FROM top_up WHERE shop_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3";

const LOCK: Statement = Statement {
    sqlite: "SELECT shop_id, status, amount, currency FROM top_up WHERE provider = $1 AND id = $2",
    postgresql: "SELECT shop_id, status, amount, currency FROM top_up WHERE provider = $1 AND id = $2 FOR UPDATE",
};

/// `succeeded` is final, whatever is asked.
const RESOLVE: &str =
    "UPDATE top_up SET status = $2, transfer_id = $3, resolved_at = $4 WHERE id = $1 AND status <> 'succeeded'";

const NOTE_EVENT: &str = "INSERT INTO provider_event (provider, id, type, top_up_id, received_at) VALUES ($1, $2, $3, $4, $5) \
                          ON CONFLICT (provider, id) DO NOTHING";

const EVENT: &str = "SELECT type, top_up_id FROM provider_event WHERE provider = $1 AND id = $2";

/// Writes a new top-up.
pub fn insert(tx: &Transaction, shop: &ShopId, top_up: &TopUp) -> Result<(), database::Error> {
    tx.execute(
        INSERT,
        params![
            top_up.id.as_str(),
            shop.as_str(),
            top_up.amount.minor_units(),
            top_up.currency.code(),
            top_up.status.as_str(),
            top_up.provider,
            top_up.provider_reference,
            top_up.return_url,
            top_up.created_at,
        ],
    )?;
    Ok(())
}

/// A top-up of a shop.
pub fn get(shop: &ShopId, id: &TopUpId) -> Result<Option<TopUp>, database::Error> {
    database::query_optional(BY_ID, params![shop.as_str(), id.as_str()])
}

/// At most `rows` top-ups of a shop that were asked for before `after`, newest first.
pub fn of_shop(shop: &ShopId, after: Option<&TopUpId>, rows: i64) -> Result<Vec<TopUp>, database::Error> {
    database::query(OF_SHOP, params![shop.as_str(), after.map_or(crate::page::NEWEST, TopUpId::as_str), rows])
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
pub fn lock(tx: &Transaction, provider: &str, id: &TopUpId) -> Result<Option<Locked>, database::Error> {
    tx.query_optional(LOCK.text(), params![provider, id.as_str()])
}

/// Writes what became of a top-up; `transfer` credited it.
pub fn resolve(
    tx: &Transaction,
    id: &TopUpId,
    status: TopUpStatus,
    transfer: Option<&TransferId>,
    now: Timestamp,
) -> Result<u64, database::Error> {
    tx.execute(RESOLVE, params![id.as_str(), status.as_str(), transfer.map(TransferId::as_str), now])
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
pub fn note_event(tx: &Transaction, provider: &str, event: &Event, now: Timestamp) -> Result<Noted, database::Error> {
    let (id, kind, top_up) = (event.id.as_str(), event.kind.as_str(), event.top_up.as_str());
    if tx.execute(NOTE_EVENT, params![provider, id, kind, top_up, now])? == 1 {
        return Ok(Noted::New);
    }
    let known: (String, String) = tx.query_one(EVENT, params![provider, id])?;
    Ok(if known == (kind.to_owned(), top_up.to_owned()) { Noted::Known } else { Noted::IdTaken })
}
