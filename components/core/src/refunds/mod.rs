//! Refunds: what shops get back of their payments.
//!
//! A payment can be refunded in parts, never beyond what was captured of it: the ledger adds up what went back, under the locks of
//! the accounts. A refusal is the first of these that holds: `payment-not-captured`, `shop-closed` (a frozen shop is refunded: it
//! can be credited), `refund-exceeds-payment`.

pub mod api;
pub mod store;

use datamp_models::core::{Owner, PaymentId, RefundId, RefundStatus, ShopId, TransferCode};
use datamp_models::webhooks::WebhookEventType;
use datamp_models::{Amount, Currency};
use datamp_sdk::database::Transaction;
use datamp_sdk::{Problem, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ledger::problem::of_refusal;
use crate::ledger::{Movement, Posting, Refusal, store as ledger};
use crate::payments::api::no_such_payment;
use crate::payments::store as payments;
use crate::text::Text;
use crate::webhooks::{self, NewEvent};
use crate::{id, listing};

/// A refund that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRefund {
    /// How much goes back, in minor units. Left out: all that is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Amount>,
    /// Why, as people read it.
    pub reason: Text<500>,
}

/// A refund that was made. It never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Refund {
    /// Its id.
    pub id: RefundId,
    /// Of which payment.
    pub payment_id: PaymentId,
    /// Where it stands.
    pub status: RefundStatus,
    /// How much went back, in minor units.
    pub amount: Amount,
    /// The currency, which is the payment's.
    pub currency: Currency,
    /// Why.
    pub reason: String,
    /// When it was made.
    pub created_at: Timestamp,
}

impl listing::Entry for Refund {
    fn place(&self) -> (Timestamp, &str) {
        (self.created_at, self.id.as_str())
    }
}

/// Gives back all or a part of what was captured of a payment, or says why not.
pub fn refund(tx: &Transaction, shop: &ShopId, payment: &PaymentId, new: &NewRefund) -> Result<Refund, Problem> {
    // Nothing is locked here: under its accounts' locks the ledger decides how much can still go back.
    let origin = payments::origin(tx, shop, payment)?.ok_or_else(no_such_payment)?;
    let Some(moved_by) = origin.moved_by else {
        return Err(not_captured());
    };
    let paid = payments::get_in(tx, shop, payment)?.ok_or_else(|| Problem::internal("a payment is gone"))?;
    let amount = match new.amount {
        Some(amount) => amount,
        // Of nothing that is left the ledger is asked for all that was moved, and refuses it as it would anything.
        None => rest(paid.captured_amount, paid.refunded_amount).map_err(Problem::internal)?,
    };
    let id: RefundId = id::fresh();
    let movement = Movement::between(
        &Owner::ADVERTISING,
        &Owner::Shop(shop.clone()),
        amount,
        paid.currency,
        TransferCode::Refund,
        id.as_str(),
    );
    let posting = Posting::reversal(moved_by.clone(), movement);
    let posted = match ledger::post(tx, std::slice::from_ref(&posting))?.pop() {
        Some(Ok(posted)) => posted,
        // Another refund was made since this one looked at what is left: it looks again.
        Some(Err(Refusal::ExceedsReversible))
            if new.amount.is_none() && paid.refunded_amount < paid.captured_amount =>
        {
            return Err(tx.conflict().into());
        }
        Some(Err(refusal)) => return Err(of_refusal(refusal, &posting)),
        None => return Err(Problem::internal("one posting was made, and none answered")),
    };
    let refund = Refund {
        id,
        payment_id: payment.clone(),
        status: RefundStatus::Succeeded,
        amount,
        currency: paid.currency,
        reason: new.reason.as_str().to_owned(),
        created_at: posted.transfer().created_at,
    };
    store::insert(tx, shop, &refund, &posted.transfer().id)?;
    payments::follow(tx, &[moved_by])?;
    let (kind, at) = (WebhookEventType::RefundSucceeded, refund.created_at);
    webhooks::record(tx, &[NewEvent { shop, kind, at, data: &refund }])?;
    Ok(refund)
}

/// What is left to go back; where that is nothing, all that was captured.
fn rest(captured: i64, refunded: i64) -> Result<Amount, datamp_models::money::InvalidAmount> {
    Amount::new(if refunded < captured { captured - refunded } else { captured })
}

fn not_captured() -> Problem {
    Problem::new(422, "payment-not-captured", "Nothing was captured of the payment")
        .detail("There is nothing to give back. What is still held is released by voiding the payment.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_goes_back_unless_an_amount_is_said() {
        assert_eq!(rest(500, 120).map(Amount::minor_units), Ok(380));
        assert_eq!(rest(500, 0).map(Amount::minor_units), Ok(500));
        // The ledger refuses it.
        assert_eq!(rest(500, 500).map(Amount::minor_units), Ok(500));
    }

    #[test]
    fn a_refund_needs_a_reason_and_takes_no_odd_amount() {
        let read = |text: &str| serde_json::from_str::<NewRefund>(text);
        assert_eq!(read(r#"{"reason":"Returned"}"#).unwrap().amount, None);
        for wrong in [
            "{}",
            r#"{"reason":""}"#,
            r#"{"reason":"x","amount":0}"#,
            r#"{"reason":"x","amount":-5}"#,
            r#"{"reason":"x","amount":1.5}"#,
            r#"{"reason":"x","amount":"5"}"#,
            r#"{"reason":"x","amount":1000000000000001}"#,
            r#"{"reason":"x","currency":"RUB"}"#,
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
