//! Payments: what shops spend their balance on.

pub mod api;
pub mod store;

use datamp_models::core::{Owner, PaymentId, PaymentStatus, ShopId, TransferCode};
use datamp_models::{Amount, Currency};
use datamp_sdk::database::Transaction;
use datamp_sdk::{Problem, Timestamp};
use serde::{Deserialize, Serialize};

use crate::id;
use crate::ledger::problem::of_refusal;
use crate::ledger::{Posting, store as ledger};
use crate::text::Text;

/// A payment that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPayment {
    /// How much.
    pub amount: Amount,
    /// Of the shop's accounts, the one in this currency pays.
    pub currency: Currency,
    /// What it is for, as people read it.
    pub description: Text<500>,
    /// The shop's own name for it: an order, a campaign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Text<100>>,
}

/// A payment that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    pub description: String,
    /// The shop's own name for it.
    pub reference: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Makes a payment: the money moves to what is earned with advertising, or a refusal says why not and nothing is written.
pub fn create(tx: &Transaction, shop: &ShopId, new: &NewPayment) -> Result<Payment, Problem> {
    let id: PaymentId = id::fresh();
    let shop_owner = Owner::Shop(shop.clone());
    let posting = Posting::between(
        &shop_owner,
        &Owner::ADVERTISING,
        new.amount,
        new.currency,
        TransferCode::Payment,
        id.as_str(),
    );
    let transfer = match ledger::post(tx, std::slice::from_ref(&posting))?.pop() {
        Some(Ok(transfer)) => transfer,
        Some(Err(refusal)) => return Err(of_refusal(refusal, &posting)),
        None => return Err(Problem::internal("one posting was made, and none answered")),
    };
    let payment = Payment {
        id,
        status: PaymentStatus::Succeeded,
        amount: new.amount,
        currency: new.currency,
        description: new.description.as_str().to_owned(),
        reference: new.reference.clone().map(String::from),
        created_at: transfer.created_at,
    };
    store::insert(tx, shop, &payment, &transfer.id)?;
    Ok(payment)
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
    }
}
