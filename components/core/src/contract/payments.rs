//! `datamp:core/payments`, both sides of it: what core exports, and how its own API asks for it, so that requests at the same time
//! share a transaction.

use datamp_models::Amount;
use datamp_models::core::{Capture, ShopId};
use datamp_sdk::{IdempotencyKey, Problem, Response};

use super::bindings::datamp::core::payments as imported;
use super::bindings::datamp::core::types::CoreError;
use super::bindings::exports::datamp::core::payments as exported;
use super::{Core, batch, convert, failed, not_found, unavailable};
use crate::idempotency::{Once, Outcome, Reply};
use crate::payments::NewPayment;
use crate::payments::api::PATH;
use crate::payments::batch::{Order, pay};
use crate::shops::store as shops;

impl exported::Guest for Core {
    fn pay(new: Vec<exported::NewPayment>) -> Vec<Result<exported::Outcome, CoreError>> {
        batch::each("new", new, order, |orders| match pay(orders) {
            Ok(outcomes) => Ok(outcomes.into_iter().map(|outcome| Ok(told(outcome))).collect()),
            Err(problem) => pay_known(orders, problem),
        })
    }
}

/// Nothing took effect: where that is for shops that there are not, the others' payments are made without them. Shops never go
/// away, so those that ask by their API keys are there, and nobody looks for them beforehand.
fn pay_known(orders: &[Order], problem: Problem) -> Result<Vec<Result<exported::Outcome, CoreError>>, CoreError> {
    let ids: Vec<ShopId> = orders.iter().map(|order| order.shop.clone()).collect();
    let there: Vec<bool> = shops::get(&ids).map_err(unavailable)?.iter().map(Option::is_some).collect();
    if there.iter().all(|there| *there) {
        return Err(failed(problem));
    }
    let known: Vec<Order> =
        orders.iter().zip(&there).filter(|(_, there)| **there).map(|(order, _)| order.clone()).collect();
    let mut outcomes = if known.is_empty() { Vec::new() } else { pay(&known).map_err(failed)? }.into_iter();
    let answer = |(order, there): (&Order, bool)| {
        if !there {
            return Err(not_found(&order.shop));
        }
        outcomes.next().map(told).ok_or_else(|| failed(Problem::internal("a payment of a batch was not answered")))
    };
    Ok(orders.iter().zip(there).map(answer).collect())
}

/// Asks for a payment of a shop's API.
pub(crate) fn ask(shop: &ShopId, once: &Once, new: &NewPayment) -> Result<Response, Problem> {
    let new = imported::NewPayment {
        shop: shop.to_string(),
        key: once.key().to_owned(),
        request_id: once.request_id().to_owned(),
        amount: new.amount.minor_units(),
        currency: new.currency.to_string(),
        description: new.description.as_str().to_owned(),
        reference: new.reference.clone().map(String::from),
    };
    match imported::pay(&[new]).pop() {
        Some(Ok(imported::Outcome::Answered(answer))) => {
            let reply = Reply { status: answer.status, location: answer.location, body: answer.body };
            Outcome::Answered { reply, replayed: answer.replayed }.response()
        }
        Some(Ok(imported::Outcome::KeyInUse)) => Outcome::KeyInUse.response(),
        Some(Ok(imported::Outcome::KeyReused)) => Outcome::KeyReused.response(),
        Some(Err(CoreError::Unavailable(_))) => Err(Problem::unavailable(
            "The payment could not be made now. Ask again, with the same key: it is made once.",
        )),
        Some(Err(error)) => Err(Problem::internal(format_args!("a payment that was understood is not: {error:?}"))),
        None => Err(Problem::internal("one payment was asked for, and none answered")),
    }
}

fn order(new: exported::NewPayment) -> Result<Order, CoreError> {
    let key = convert::field("key", IdempotencyKey::try_from(new.key))?;
    Ok(Order {
        shop: convert::shop_id("shop", &new.shop)?,
        once: Once::new(key, new.request_id, PATH),
        new: NewPayment {
            amount: convert::field("amount", Amount::new(new.amount))?,
            currency: convert::field("currency", new.currency.parse())?,
            description: convert::field("description", new.description.try_into())?,
            reference: new.reference.map(|text| convert::field("reference", text.try_into())).transpose()?,
            capture: Capture::Automatic,
            expires_in: None,
        },
    })
}

fn told(outcome: Outcome) -> exported::Outcome {
    match outcome {
        Outcome::Answered { reply, replayed } => exported::Outcome::Answered(exported::Answer {
            status: reply.status,
            location: reply.location,
            body: reply.body,
            replayed,
        }),
        Outcome::KeyInUse => exported::Outcome::KeyInUse,
        Outcome::KeyReused => exported::Outcome::KeyReused,
    }
}
