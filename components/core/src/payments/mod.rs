//! Payments: what shops spend their balance on.
//!
//! An automatic payment moves its amount at once. A manual one holds it, until it is captured (all or a part), voided, or its time
//! is over ([`hold`]). What was moved goes back by [refunds](crate::refunds). Where a payment stands is what the ledger says of
//! its transfers: [`store::follow`] reads it there, and nothing else writes it.

pub mod api;
pub mod batch;
pub mod hold;
pub mod store;

use datamp_models::core::{Capture, Owner, PaymentId, PaymentStatus, ShopId, TransferCode};
use datamp_models::webhooks::WebhookEventType;
use datamp_models::{Amount, Currency};
use datamp_sdk::database::Transaction;
use datamp_sdk::{Problem, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id;
use crate::ledger::problem::of_refusal;
use crate::ledger::{Movement, Posting, store as ledger};
use crate::text::Text;
use crate::webhooks::{self, NewEvent};

pub use hold::{HoldTime, expire_due};
pub use store::follow;

/// A payment that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPayment {
    /// How much.
    pub amount: Amount,
    /// Of the shop's accounts, the one in this currency pays.
    pub currency: Currency,
    /// What it is for, as people read it.
    #[schemars(extend("examples" = ["Advertising in May"]))]
    pub description: Text<500>,
    /// The shop's own name for it: an order, a campaign.
    #[schemars(extend("examples" = ["order-1042"]))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Text<100>>,
    /// When the money is moved. What is left out and what is said are the same request to an idempotency key.
    #[serde(default = "at_once", skip_serializing_if = "is_at_once")]
    pub capture: Capture,
    /// Of a manual one, how long the amount is held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<HoldTime>,
}

fn at_once() -> Capture {
    Capture::Automatic
}

fn is_at_once(capture: &Capture) -> bool {
    *capture == Capture::Automatic
}

/// A payment that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Payment {
    /// Its id.
    pub id: PaymentId,
    /// Where it stands.
    pub status: PaymentStatus,
    /// How much, in minor units.
    pub amount: Amount,
    /// The currency.
    pub currency: Currency,
    /// What it is for.
    #[schemars(extend("examples" = ["Advertising in May"]))]
    pub description: String,
    /// The shop's own name for it.
    #[schemars(extend("examples" = ["order-1042"]))]
    pub reference: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its money is moved.
    pub capture: Capture,
    /// What of it was moved, in minor units; what went back is not taken off.
    #[schemars(range(min = 0))]
    pub captured_amount: i64,
    /// What of that went back, in minor units.
    #[schemars(range(min = 0))]
    pub refunded_amount: i64,
    /// When its hold lapses, or would have; `None` for an automatic one.
    pub expires_at: Option<Timestamp>,
}

impl crate::listing::Entry for Payment {
    fn place(&self) -> (Timestamp, &str) {
        (self.created_at, self.id.as_str())
    }
}

/// What a payment moves, now or later: from the shop to what is earned with advertising.
fn movement(shop: &ShopId, new: &NewPayment, id: &PaymentId) -> Movement {
    let shop = Owner::Shop(shop.clone());
    Movement::between(&shop, &Owner::ADVERTISING, new.amount, new.currency, TransferCode::Payment, id.as_str())
}

/// Makes automatic payments, in their order: the money moves, or a refusal says why not and nothing is written of that one. At most [`ledger::MAX_BATCH`].
pub fn create_all(tx: &Transaction, new: &[(&ShopId, &NewPayment)]) -> Result<Vec<Result<Payment, Problem>>, Problem> {
    let ids: Vec<PaymentId> = new.iter().map(|_| id::fresh()).collect();
    // No id is chosen: the idempotency key's row, written in this transaction, keeps a payment from being made twice.
    let posting = |((shop, new), id): (&(&ShopId, &NewPayment), &PaymentId)| Posting::of(movement(shop, new, id));
    let postings: Vec<Posting> = new.iter().zip(&ids).map(posting).collect();
    let answers = ledger::post(tx, &postings)?;
    if answers.len() != new.len() {
        return Err(Problem::internal("postings were made, and not as many answered"));
    }
    let mut made = Vec::with_capacity(new.len());
    let mut payments = Vec::with_capacity(new.len());
    for (((answer, posting), (shop, new)), id) in answers.into_iter().zip(&postings).zip(new).zip(ids) {
        let posted = match answer {
            Ok(posted) => posted,
            Err(refusal) => {
                payments.push(Err(of_refusal(refusal, posting)));
                continue;
            }
        };
        let payment = Payment {
            id,
            status: PaymentStatus::Succeeded,
            amount: new.amount,
            currency: new.currency,
            description: new.description.as_str().to_owned(),
            reference: new.reference.clone().map(String::from),
            created_at: posted.transfer().created_at,
            capture: Capture::Automatic,
            captured_amount: new.amount.minor_units(),
            refunded_amount: 0,
            expires_at: None,
        };
        made.push((*shop, payment.clone(), posted.transfer().id.clone()));
        payments.push(Ok(payment));
    }
    store::insert_all(tx, &made)?;
    let events: Vec<_> = made.iter().map(|(shop, payment, _)| succeeded(shop, payment)).collect();
    webhooks::record(tx, &events)?;
    Ok(payments)
}

fn succeeded<'a>(shop: &'a ShopId, payment: &'a Payment) -> NewEvent<'a, Payment> {
    NewEvent { shop, kind: WebhookEventType::PaymentSucceeded, at: payment.created_at, data: payment }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::Object;
    use datamp_sdk::{Method, Request, Router};

    /// How a body is answered: the status, the problem's slug and the field at fault.
    fn told(content_type: &str, body: &str) -> (u16, String, String) {
        let mut router = Router::new();
        router.post("/", |Object(new): Object<NewPayment>| serde_json::to_string(&new).unwrap_or_default());
        let answer = router.handle(&Request::new(Method::Post, "/").with_body(content_type, body));
        let document: serde_json::Value = serde_json::from_slice(answer.bytes()).unwrap();
        let slug = document["type"].as_str().unwrap_or_default().rsplit('/').next().unwrap_or_default().to_owned();
        (answer.status(), slug, document["errors"][0]["field"].as_str().unwrap_or_default().to_owned())
    }

    const GOOD: &str = r#"{"amount":150,"currency":"RUB","description":"Ads","reference":"order-1"}"#;

    #[test]
    fn each_field_that_can_not_be_taken_is_named() {
        assert_eq!(told("application/json", GOOD).0, 200);
        let long = format!("\"{}\"", "a".repeat(501));
        for (part, other, field) in [
            ("150", "0", "amount"),
            ("150", "-1", "amount"),
            ("150", "1000000000000001", "amount"),
            ("150", "9223372036854775808", "amount"),
            ("150", "1e400", ""),
            ("150", "150.0", "amount"),
            ("150", "1.5", "amount"),
            ("150", "1e3", "amount"),
            ("150", "\"150\"", "amount"),
            ("150", "null", "amount"),
            ("150", "[150]", "amount"),
            ("\"amount\":150,", "", "amount"),
            ("\"RUB\"", "\"rub\"", "currency"),
            ("\"RUB\"", "\"XXX\"", "currency"),
            ("\"RUB\"", "643", "currency"),
            ("\"Ads\"", "\"\"", "description"),
            ("\"Ads\"", "\" \"", "description"),
            ("\"Ads\"", "\"a\\u0000b\"", "description"),
            ("\"Ads\"", &long, "description"),
            ("\"order-1\"", "\"\"", "reference"),
            ("\"order-1\"", "7", "reference"),
            ("\"amount\"", "\"shop_id\":\"x\",\"amount\"", "shop_id"),
            ("\"amount\"", "\"amount\":1,\"amount\"", "amount"),
            ("\"amount\"", "\"capture\":\"later\",\"amount\"", "capture"),
            ("\"amount\"", "\"capture\":null,\"amount\"", "capture"),
            ("\"amount\"", "\"capture\":\"manual\",\"expires_in\":59,\"amount\"", "expires_in"),
            ("\"amount\"", "\"capture\":\"manual\",\"expires_in\":2592001,\"amount\"", "expires_in"),
            ("\"amount\"", "\"capture\":\"manual\",\"expires_in\":-1,\"amount\"", "expires_in"),
            ("\"amount\"", "\"capture\":\"manual\",\"expires_in\":60.5,\"amount\"", "expires_in"),
            ("\"amount\"", "\"capture\":\"manual\",\"expires_in\":\"60\",\"amount\"", "expires_in"),
        ] {
            let (status, slug, named) = told("application/json", &GOOD.replace(part, other));
            let expected = if field.is_empty() { (400, "malformed-json") } else { (422, "unprocessable") };
            assert_eq!((status, slug.as_str(), named.as_str()), (expected.0, expected.1, field), "{other}");
        }
    }

    #[test]
    fn what_is_no_json_object_is_refused() {
        for body in ["", "{", &format!("{GOOD}x"), "\u{feff}{}"] {
            assert_eq!(told("application/json", body).1, "malformed-json", "{body}");
        }
        for body in ["[]", "null", "1", "\"\"", r#"[150, "RUB", "Ads", "order-1"]"#] {
            assert_eq!(told("application/json", body).1, "unprocessable", "{body}");
        }
        assert_eq!(told("text/plain", GOOD).0, 415);
    }

    #[test]
    fn requests_that_mean_the_same_are_the_same_to_the_idempotency_key() {
        let canonical = |body: &str| serde_json::to_string(&serde_json::from_str::<NewPayment>(body).unwrap()).unwrap();
        let other_order = r#"{ "reference": "order-1", "description": " Ads ", "currency": "RUB", "amount": 150 }"#;
        assert_eq!(canonical(GOOD), canonical(other_order));
        assert_eq!(
            canonical(&GOOD.replace(r#","reference":"order-1""#, "")),
            canonical(&GOOD.replace(r#""order-1""#, "null"))
        );
        assert_ne!(canonical(GOOD), canonical(&GOOD.replace("150", "151")));
        let capture = |capture: &str| GOOD.replace("\"amount\"", &format!("\"capture\":\"{capture}\",\"amount\""));
        assert_eq!(canonical(GOOD), canonical(&capture("automatic")));
        assert_ne!(canonical(GOOD), canonical(&capture("manual")));
    }

    /// The answers of before are kept in the database, and clients compare them: fields are added at the end.
    #[test]
    fn an_answer_begins_as_it_always_did() {
        let payment = Payment {
            id: "pay_01h455vb4pex5vsknk084sn02q".parse().unwrap(),
            status: PaymentStatus::Succeeded,
            amount: Amount::new(150).unwrap(),
            currency: "RUB".parse().unwrap(),
            description: "Ads".to_owned(),
            reference: None,
            created_at: Timestamp::from_seconds(0),
            capture: Capture::Automatic,
            captured_amount: 150,
            refunded_amount: 0,
            expires_at: None,
        };
        assert_eq!(
            serde_json::to_string(&payment).unwrap(),
            "{\"id\":\"pay_01h455vb4pex5vsknk084sn02q\",\"status\":\"succeeded\",\"amount\":150,\"currency\":\"RUB\",\
             \"description\":\"Ads\",\"reference\":null,\"created_at\":\"1970-01-01T00:00:00Z\",\
             \"capture\":\"automatic\",\"captured_amount\":150,\"refunded_amount\":0,\"expires_at\":null}"
        );
    }
}
