//! Payments whose money is held first: held, then captured, voided, or released when the time is over.
//!
//! A refusal is the first of these that holds: `already-captured` (also of an automatic payment), `already-voided`, `hold-expired`
//! (the time is over, whether that was noted or not), `shop-closed`, `shop-frozen`, `capture-exceeds-hold`. A void asks only for the
//! first three: what is held must be free one day, whatever the shop's standing.

use datamp_models::Amount;
use datamp_models::core::{Capture, PaymentId, PaymentStatus, ShopId, TransferId};
use datamp_models::webhooks::WebhookEventType;
use datamp_sdk::database::{self, Transaction};
use datamp_sdk::{Problem, Timestamp};

use super::{NewPayment, Payment, movement, store};
use crate::id;
use crate::ledger::expiry::{self, Expired};
use crate::ledger::problem::{already_captured, of_refusal};
use crate::ledger::{Answer, Posting, store as ledger};
use crate::seconds::{DAY, Seconds};
use crate::shops::OfShop;
use crate::webhooks::{self, NewEvent};

/// How long an amount is held: a minute to 30 days, and seven days where nothing is said.
///
/// A shop needs no longer for what it sells, and what is held for ever would be spent money that nobody has.
pub type HoldTime = Seconds<60, { 30 * DAY }, { 7 * DAY }>;

/// Holds the amount of a manual payment, or says why not.
pub fn hold(tx: &Transaction, shop: &ShopId, new: &NewPayment) -> Result<Payment, Problem> {
    let id: PaymentId = id::fresh();
    let expires_at = Timestamp::now() + new.expires_in.unwrap_or_default().duration();
    let posting = Posting::hold(movement(shop, new, &id), Some(expires_at));
    let (transfer, created_at) = post(tx, &posting)?;
    let payment = Payment {
        id,
        status: PaymentStatus::Held,
        amount: new.amount,
        currency: new.currency,
        description: new.description.as_str().to_owned(),
        reference: new.reference.clone().map(String::from),
        created_at,
        capture: Capture::Manual,
        captured_amount: 0,
        refunded_amount: 0,
        expires_at: Some(expires_at),
    };
    store::insert_held(tx, shop, &payment, &transfer)?;
    tell(tx, shop, WebhookEventType::PaymentHeld, created_at, &payment)?;
    Ok(payment)
}

/// Moves what is held, or `amount` of it, and releases the rest.
pub fn capture(tx: &Transaction, shop: &ShopId, id: &PaymentId, amount: Option<Amount>) -> Result<Payment, Problem> {
    resolve(tx, shop, id, WebhookEventType::PaymentCaptured, |hold| Posting::capture(hold, amount))
}

/// Releases what is held.
pub fn void(tx: &Transaction, shop: &ShopId, id: &PaymentId) -> Result<Payment, Problem> {
    resolve(tx, shop, id, WebhookEventType::PaymentVoided, Posting::void)
}

fn resolve(
    tx: &Transaction,
    shop: &ShopId,
    id: &PaymentId,
    event: WebhookEventType,
    posting: impl FnOnce(TransferId) -> Posting,
) -> Result<Payment, Problem> {
    // Nothing is locked here: under its accounts' locks the ledger decides whether the hold can still be resolved.
    let origin = store::origin(tx, shop, id)?.ok_or_else(super::api::no_such_payment)?;
    if origin.capture == Capture::Automatic {
        return Err(already_captured());
    }
    let (_, at) = post(tx, &posting(origin.transfer_id.clone()))?;
    store::follow(tx, &[origin.transfer_id])?;
    let payment = store::get_in(tx, shop, id)?.ok_or_else(|| Problem::internal("a payment is gone"))?;
    tell(tx, shop, event, at, &payment)?;
    Ok(payment)
}

/// What became of the payment, for the shop's own systems.
fn tell(
    tx: &Transaction,
    shop: &ShopId,
    kind: WebhookEventType,
    at: Timestamp,
    payment: &Payment,
) -> Result<(), database::Error> {
    webhooks::record(tx, &[NewEvent { shop, kind, at, data: payment }])
}

/// Posts one, and answers the transfer and its time.
fn post(tx: &Transaction, posting: &Posting) -> Result<(TransferId, Timestamp), Problem> {
    match ledger::post(tx, std::slice::from_ref(posting))?.pop() {
        Some(Ok(posted)) => Ok((posted.transfer().id.clone(), posted.transfer().created_at)),
        Some(Err(refusal)) => Err(of_refusal(refusal, posting)),
        None => Err(Problem::internal("one posting was made, and none answered")),
    }
}

/// Releases holds whose time was over at `now`, at most `limit` of them, lets their payments follow and tells the shops' own systems. It
/// may be called by several at once, and again at any time; a fixed number of statements.
pub fn expire_due(tx: &Transaction, now: Timestamp, limit: usize) -> Result<Expired, Problem> {
    let expired = expiry::expire(tx, now, limit)?;
    let made = |(hold, answer): &(TransferId, Answer)| answer.as_ref().ok()?.made().map(|_| hold.clone());
    let released: Vec<TransferId> = expired.holds.iter().filter_map(made).collect();
    if released.is_empty() {
        return Ok(expired);
    }
    store::follow(tx, &released)?;
    let lapsed = store::expired(tx, &released)?;
    let kind = WebhookEventType::PaymentExpired;
    let events: Vec<_> = lapsed
        .iter()
        .map(|OfShop { shop_id, of: payment }| NewEvent {
            shop: shop_id,
            kind,
            at: payment.expires_at.unwrap_or(now),
            data: payment,
        })
        .collect();
    webhooks::record(tx, &events)?;
    Ok(expired)
}
