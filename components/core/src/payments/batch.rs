//! Payments that are asked for together: one transaction, and a fixed number of statements, whatever their number.

use datamp_models::core::ShopId;
use datamp_sdk::Problem;
use datamp_sdk::database;

use super::NewPayment;
use super::api::PATH;
use crate::idempotency::{self, Asked, Once, Outcome, Reply};

/// A payment that is asked for once.
#[derive(Clone, Debug)]
pub struct Order {
    /// The shop that pays.
    pub shop: ShopId,
    /// What keeps it from being made twice.
    pub once: Once,
    /// The payment.
    pub new: NewPayment,
}

/// Makes those of the payments that were not made before, in their order, and answers all of them.
///
/// # Errors
/// Nothing took effect, of none.
pub fn pay(orders: &[Order]) -> Result<Vec<Outcome>, Problem> {
    let asked: Vec<Asked<'_>> =
        orders.iter().map(|order| order.once.asked(&order.shop, &order.new)).collect::<Result<_, _>>()?;
    database::transaction(|tx| {
        idempotency::run_all(tx, &asked, |places| {
            let orders: Vec<_> =
                places.iter().filter_map(|place| orders.get(*place)).map(|order| (&order.shop, &order.new)).collect();
            let payments = super::create_all(tx, &orders)?;
            let reply = |payment: Result<super::Payment, Problem>| {
                payment.and_then(|payment| Reply::created(format!("{PATH}/{}", payment.id), &payment))
            };
            Ok(payments.into_iter().map(reply).collect())
        })
    })
}
