//! The table `payment`.

use datamp_models::core::{Capture, PaymentId, ShopId, TransferId};
use datamp_sdk::database::{self, JsonText, Transaction};
use datamp_sdk::params;
use serde::{Deserialize, Serialize};

use super::Payment;
use crate::listing::{Listing, as_it_is};
use crate::shops::OfShop;
use crate::sql::Statement;

/// Automatic payments: what the other columns are of those is their default.
const INSERT: Statement = Statement {
    sqlite: "INSERT INTO payment (id, shop_id, amount, currency, description, reference, status, transfer_id, created_at) \
             SELECT value ->> 'id', value ->> 'shop_id', value ->> 'amount', value ->> 'currency', value ->> 'description', \
             value ->> 'reference', value ->> 'status', value ->> 'transfer_id', value ->> 'created_at' FROM json_each($1)",
    postgresql: "INSERT INTO payment (id, shop_id, amount, currency, description, reference, status, transfer_id, created_at) \
                 SELECT id, shop_id, amount, currency, description, reference, status, transfer_id, created_at \
                 FROM json_to_recordset(CAST(CAST($1 AS TEXT) AS JSON)) \
                 AS r (id TEXT, shop_id TEXT, amount BIGINT, currency TEXT, description TEXT, reference TEXT, status TEXT, \
                 transfer_id TEXT, created_at BIGINT)",
};

/// A manual payment. There is no batch of them.
const INSERT_HELD: &str = "INSERT INTO payment (id, shop_id, amount, currency, description, reference, status, transfer_id, created_at, \
                           capture, captured_amount, expires_at) \
                           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'manual', 0, $10)";

/// What a payment answers. An automatic one was captured whole.
macro_rules! columns {
    () => {
        "id, status, amount, currency, description, reference, created_at, capture, \
         COALESCE(captured_amount, amount) AS captured_amount, refunded_amount, expires_at"
    };
}

const BY_ID: &str = concat!("SELECT ", columns!(), " FROM payment WHERE shop_id = $1 AND id = $2");

/// The list of a shop's payments.
pub const LISTING: Listing = Listing { table: "payment", columns: columns!(), kept_as: as_it_is };

/// The payments that lapsed with their holds.
const EXPIRED: Statement = Statement {
    sqlite: concat!(
        "SELECT shop_id, ",
        columns!(),
        " FROM payment WHERE id IN (SELECT reference FROM transfer WHERE id IN (SELECT value FROM json_each($1))) \
         AND transfer_id IN (SELECT value FROM json_each($1)) AND status = 'expired'"
    ),
    postgresql: concat!(
        "SELECT shop_id, ",
        columns!(),
        " FROM payment WHERE id IN (SELECT reference FROM transfer WHERE id = ANY($1)) AND transfer_id = ANY($1) \
         AND status = 'expired'"
    ),
};

/// What moved a payment's money, if something did.
const ORIGIN: &str = "SELECT p.capture, p.transfer_id, \
                      CASE WHEN p.capture = 'automatic' THEN p.transfer_id ELSE c.id END AS moved_by \
                      FROM payment AS p LEFT JOIN transfer AS c ON c.pending_id = p.transfer_id AND c.kind = 'capture' \
                      WHERE p.shop_id = $1 AND p.id = $2";

/// Where payments stand, by their transfers: what resolved the hold, and what went back of what was moved. A transfer of a payment
/// refers to it, so that those are found by the transfers' ids; one that refers to it and is not its own (other components may
/// name whatever they like) says nothing of it.
macro_rules! follow {
    ($of:literal) => {
        concat!(
            "UPDATE payment SET captured_amount = CASE WHEN capture = 'manual' THEN s.moved END, refunded_amount = s.returned, \
             status = CASE WHEN s.moved = 0 THEN CASE s.resolved_as WHEN 'void' THEN 'voided' WHEN 'expiry' THEN 'expired' \
             ELSE 'held' END WHEN s.returned = 0 THEN 'succeeded' WHEN s.returned = s.moved THEN 'refunded' \
             ELSE 'partially-refunded' END \
             FROM (SELECT p.id AS payment_id, r.kind AS resolved_as, \
             CASE WHEN p.capture = 'automatic' THEN p.amount WHEN r.kind = 'capture' THEN r.amount ELSE 0 END AS moved, \
             (SELECT CAST(COALESCE(SUM(b.amount), 0) AS BIGINT) FROM transfer AS b \
             WHERE b.reversal_of = CASE WHEN p.capture = 'automatic' THEN p.transfer_id ELSE r.id END) AS returned \
             FROM payment AS p LEFT JOIN transfer AS r ON r.pending_id = p.transfer_id \
             WHERE p.id IN (SELECT t.reference FROM transfer AS t WHERE t.id ",
            $of,
            ") AND EXISTS (SELECT 1 FROM transfer AS o WHERE o.id ",
            $of,
            " AND (o.id = p.transfer_id OR o.pending_id = p.transfer_id))) AS s WHERE payment.id = s.payment_id"
        )
    };
}

const FOLLOW: Statement =
    Statement { sqlite: follow!("IN (SELECT value FROM json_each($1))"), postgresql: follow!("= ANY($1)") };

#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    shop_id: &'a str,
    amount: i64,
    currency: &'a str,
    description: &'a str,
    reference: Option<&'a str>,
    status: &'a str,
    transfer_id: &'a str,
    created_at: i64,
}

/// Writes payments, each with the transfer that paid it.
pub fn insert_all(tx: &Transaction, payments: &[(&ShopId, Payment, TransferId)]) -> Result<(), database::Error> {
    if payments.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = payments
        .iter()
        .map(|(shop, payment, transfer)| Row {
            id: payment.id.as_str(),
            shop_id: shop.as_str(),
            amount: payment.amount.minor_units(),
            currency: payment.currency.code(),
            description: &payment.description,
            reference: payment.reference.as_deref(),
            status: payment.status.as_str(),
            transfer_id: transfer.as_str(),
            created_at: payment.created_at.as_micros(),
        })
        .collect();
    tx.execute(INSERT.text(), params![JsonText(&rows)])?;
    Ok(())
}

/// Writes a payment whose amount is held by a transfer.
pub fn insert_held(
    tx: &Transaction,
    shop: &ShopId,
    payment: &Payment,
    hold: &TransferId,
) -> Result<(), database::Error> {
    tx.execute(
        INSERT_HELD,
        params![
            payment.id.as_str(),
            shop.as_str(),
            payment.amount.minor_units(),
            payment.currency.code(),
            payment.description,
            payment.reference,
            payment.status.as_str(),
            hold.as_str(),
            payment.created_at,
            payment.expires_at,
        ],
    )?;
    Ok(())
}

/// Writes where payments stand, from what the ledger says of their transfers: to be called after a posting, in its transaction, with
/// the holds that it resolved and the transfers that it reversed. Those that are no payment's change nothing.
///
/// The ledger holds the locks of the payments' accounts until the transaction ends, so that nobody else posts to them meanwhile.
pub fn follow(tx: &Transaction, transfers: &[TransferId]) -> Result<(), database::Error> {
    if transfers.is_empty() {
        return Ok(());
    }
    let ids: Vec<&str> = transfers.iter().map(TransferId::as_str).collect();
    tx.execute(FOLLOW.text(), params![ids])?;
    Ok(())
}

/// Of the payments that began with these holds, those that lapsed.
pub fn expired(tx: &Transaction, holds: &[TransferId]) -> Result<Vec<OfShop<Payment>>, database::Error> {
    let ids: Vec<&str> = holds.iter().map(TransferId::as_str).collect();
    tx.query(EXPIRED.text(), params![ids])
}

/// What is decided upon when more is to happen to a payment. It is as it was when it was read: nothing is locked.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Origin {
    /// When its money is moved.
    pub capture: Capture,
    /// What made it: of a manual one, the hold.
    pub transfer_id: TransferId,
    /// What moved its money: of a manual one, the capture.
    pub moved_by: Option<TransferId>,
}

/// What a payment of a shop began with.
pub fn origin(tx: &Transaction, shop: &ShopId, id: &PaymentId) -> Result<Option<Origin>, database::Error> {
    tx.query_optional(ORIGIN, params![shop.as_str(), id.as_str()])
}

/// A payment of a shop, as a transaction sees it.
pub fn get_in(tx: &Transaction, shop: &ShopId, id: &PaymentId) -> Result<Option<Payment>, database::Error> {
    tx.query_optional(BY_ID, params![shop.as_str(), id.as_str()])
}

/// A payment of a shop.
pub fn get(shop: &ShopId, id: &PaymentId) -> Result<Option<Payment>, database::Error> {
    database::query_optional(BY_ID, params![shop.as_str(), id.as_str()])
}
