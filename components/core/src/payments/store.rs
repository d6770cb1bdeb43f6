//! The table `payment`.

use datamp_models::core::{PaymentId, ShopId, TransferId};
use datamp_sdk::database::{self, Transaction};
use datamp_sdk::params;

use super::Payment;

const INSERT: &str = "INSERT INTO payment (id, shop_id, amount, currency, description, reference, status, transfer_id, created_at) \
                      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

const BY_ID: &str = "SELECT id, status, amount, currency, description, reference, created_at FROM payment \
                     WHERE shop_id = $1 AND id = $2";

const OF_SHOP: &str = "SELECT id, status, amount, currency, description, reference, created_at FROM payment \
                       WHERE shop_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3";

/// Writes a payment, with the transfer that paid it.
pub fn insert(
    tx: &Transaction,
    shop: &ShopId,
    payment: &Payment,
    transfer: &TransferId,
) -> Result<(), database::Error> {
    tx.execute(
        INSERT,
        params![
            payment.id.as_str(),
            shop.as_str(),
            payment.amount.minor_units(),
            payment.currency.code(),
            payment.description,
            payment.reference,
            payment.status.as_str(),
            transfer.as_str(),
            payment.created_at,
        ],
    )?;
    Ok(())
}

/// A payment of a shop.
pub fn get(shop: &ShopId, id: &PaymentId) -> Result<Option<Payment>, database::Error> {
    database::query_optional(BY_ID, params![shop.as_str(), id.as_str()])
}

/// At most `rows` payments of a shop that were made before `after`, newest first.
pub fn of_shop(shop: &ShopId, after: Option<&PaymentId>, rows: i64) -> Result<Vec<Payment>, database::Error> {
    database::query(OF_SHOP, params![shop.as_str(), after.map_or(crate::page::NEWEST, PaymentId::as_str), rows])
}
