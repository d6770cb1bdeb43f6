//! The table `refund`.

use datamp_models::core::{PaymentId, RefundId, ShopId, TransferId};
use datamp_sdk::database::{self, Transaction};
use datamp_sdk::params;

use super::Refund;
use crate::listing::{Listing, as_it_is};
use crate::page::Window;

const INSERT: &str = "INSERT INTO refund (id, payment_id, shop_id, amount, currency, reason, status, transfer_id, created_at) \
                      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

/// What a refund answers.
macro_rules! columns {
    () => {
        "id, payment_id, status, amount, currency, reason, created_at"
    };
}

const BY_ID: &str = concat!("SELECT ", columns!(), " FROM refund WHERE shop_id = $1 AND id = $2");

const OF_PAYMENT: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM refund WHERE payment_id = $1 AND created_at >= $2 AND created_at <= $3 AND (created_at < $3 OR id < $4) \
     ORDER BY created_at DESC, id DESC LIMIT $5"
);

/// The list of a shop's refunds.
pub const LISTING: Listing = Listing { table: "refund", columns: columns!(), kept_as: as_it_is };

/// Writes a refund, with the transfer that made it.
pub fn insert(tx: &Transaction, shop: &ShopId, refund: &Refund, transfer: &TransferId) -> Result<(), database::Error> {
    tx.execute(
        INSERT,
        params![
            refund.id.as_str(),
            refund.payment_id.as_str(),
            shop.as_str(),
            refund.amount.minor_units(),
            refund.currency.code(),
            refund.reason,
            refund.status.as_str(),
            transfer.as_str(),
            refund.created_at,
        ],
    )?;
    Ok(())
}

/// A refund of a shop.
pub fn get(shop: &ShopId, id: &RefundId) -> Result<Option<Refund>, database::Error> {
    database::query_optional(BY_ID, params![shop.as_str(), id.as_str()])
}

/// At most `rows` refunds of a payment, newest first.
pub fn of_payment(payment: &PaymentId, window: &Window, rows: i64) -> Result<Vec<Refund>, database::Error> {
    let Window { from, until, below } = window;
    database::query(OF_PAYMENT, params![payment.as_str(), *from, *until, below.as_str(), rows])
}
