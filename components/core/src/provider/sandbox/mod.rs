//! The sandbox provider: it takes no money, and whoever knows its secret says whether a top-up succeeded.
//!
//! It stands where a real provider will, with the same rules: a reference of its own, and callbacks that are signed, dated,
//! repeated and out of order.

pub mod signature;

use datamp_sdk::crypto::signatures::{self, Key};
use datamp_sdk::{Problem, Request, Timestamp};

use super::Event;
use signature::{Signature, SignatureError, TOLERANCE};

/// Its name, in top-ups and in the ledger.
pub const NAME: &str = "sandbox";

/// The header that signs a callback, in lower case.
pub const HEADER: &str = "sandbox-signature";

/// The manifest's secret that callbacks are signed with.
const SECRET: &str = "sandbox-callback";

/// Starts a top-up: what the provider calls it.
pub fn start() -> String {
    datamp_sdk::id::new(NAME)
}

/// The event of a callback, if the sandbox sent it now.
pub fn verify(request: &Request, now: Timestamp) -> Result<(), Problem> {
    let mut headers = request.header_values(HEADER);
    let (Some(header), None) = (headers.next(), headers.next()) else {
        return Err(refused("invalid-signature", format!("Send the field Sandbox-Signature once: {FORM}.")));
    };
    let signature = Signature::parse(header).map_err(explain)?;
    signature.check_time(now.as_seconds()).map_err(explain)?;
    let message = signature.message(request.body());
    for code in &signature.codes {
        if signatures::verify(Key::Secret(SECRET), &message, code)? {
            return Ok(());
        }
    }
    Err(refused("invalid-signature", "No code of the signature is the body's.".to_owned()))
}

/// Reads the body of a callback whose signature was right.
pub fn event(body: &[u8]) -> Result<Event, Problem> {
    serde_json::from_slice(body)
        .map_err(|error| Problem::new(422, "invalid-event", "The event can't be understood").detail(error.to_string()))
}

const FORM: &str = "t=<Unix seconds>,v1=<HMAC-SHA-256 of \"t.body\" in hex>";

fn explain(error: SignatureError) -> Problem {
    match error {
        SignatureError::Malformed => refused("invalid-signature", format!("The signature is not {FORM}.")),
        SignatureError::OutsideTolerance => {
            refused("expired-signature", format!("The signature's time is more than {TOLERANCE} s from now."))
        }
    }
}

fn refused(slug: &'static str, detail: String) -> Problem {
    Problem::new(401, slug, "The callback's signature does not hold")
        .detail(detail)
        .header("www-authenticate", "Sandbox-Signature")
}

#[cfg(test)]
mod tests {
    use super::super::EventKind;
    use super::*;
    use datamp_sdk::Method;

    #[test]
    fn a_callback_without_a_good_header_is_turned_away_before_any_key_is_asked_for() {
        let now = Timestamp::from_seconds(1_000);
        let request = || Request::new(Method::Post, "/core/v1/callbacks/sandbox").with_body("application/json", "{}");
        let code = "0".repeat(64);
        for (request, slug) in [
            (request(), "invalid-signature"),
            (request().with_header(HEADER, "t=1000"), "invalid-signature"),
            (request().with_header(HEADER, "t=1000,v1=0").with_header(HEADER, "t=1000,v1=0"), "invalid-signature"),
            (request().with_header(HEADER, &format!("t=699,v1={code}")), "expired-signature"),
            (request().with_header(HEADER, &format!("t=1301,v1={code}")), "expired-signature"),
        ] {
            let problem = verify(&request, now).unwrap_err();
            assert_eq!((problem.status(), problem.slug()), (401, slug));
        }
    }

    #[test]
    fn an_event_is_read_whole_or_refused() {
        let event = |body: &str| super::event(body.as_bytes());
        let good = r#"{"id":"evt_1","type":"top_up.failed","top_up":"top_01h455vb4pex5vsknk084sn02q","amount":100,"currency":"RUB","extra":1}"#;
        let read = event(good).unwrap();
        assert_eq!((read.kind, read.amount.minor_units(), read.currency.code()), (EventKind::Failed, 100, "RUB"));
        for (part, other) in [
            ("top_up.failed", "top_up.unknown"),
            ("top_01h", "pay_01h"),
            ("100", "100.0"),
            ("100", "\"100\""),
            ("100", "-100"),
            ("RUB", "RUR"),
            ("evt_1", ""),
            ("\"amount\":100,", ""),
            ("}", ""),
        ] {
            assert_eq!(event(&good.replace(part, other)).unwrap_err().slug(), "invalid-event", "{other}");
        }
    }
}
