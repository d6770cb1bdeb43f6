//! What core calls: `datamp:payments/provider`.

use std::collections::HashMap;

use datamp_sdk::crypto::signatures::{self, Key, SignatureError as CryptoError};
use datamp_sdk::{Timestamp, config, database, environment, id, log};

use crate::contract::{
    CallbackError, CallbackRequest, CurrencyLimits, Event as Told, Guest, Info, Notice, Outcome, ProviderError,
    Settled, Started, State as Stands, TopUp,
};
use crate::currency;
use crate::event::{Event, Kind};
use crate::payment::State;
use crate::signature::{Signature, SignatureError, TOLERANCE};
use crate::store::{self, New};

/// Its name, in top-ups, in the callbacks' address and in the ledger.
const NAME: &str = "sandbox";

/// The manifest's secret that callbacks are signed with.
const SECRET: &str = "sandbox-callback";

/// The header that signs a callback, in lower case.
pub(crate) const HEADER: &str = "sandbox-signature";

const FORM: &str = "t=<Unix seconds>,v1=<HMAC-SHA-256 of \"t.body\" in hex>";

/// The most, in minor units: all that the contract allows.
const MOST: i64 = 1_000_000_000_000_000;

struct Provider;

#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code, unreachable_pub, reason = "what is exported has unsafe attributes and no path")]
const _: () = {
    crate::contract::export_provider!(Provider with_types_in crate::contract);
};

/// Natively nobody calls it; it is checked all the same.
#[cfg(not(target_arch = "wasm32"))]
const _: fn() = || {
    fn exported<T: Guest>() {}
    exported::<Provider>();
};

impl Guest for Provider {
    fn describe() -> Info {
        let limits = |currency: &str| CurrencyLimits { currency: currency.to_owned(), least: 1, most: MOST };
        Info {
            name: NAME.to_owned(),
            title: "Sandbox: takes no money".to_owned(),
            currencies: currency::all().map(limits).collect(),
        }
    }

    fn start(new: Vec<TopUp>) -> Vec<Result<Started, ProviderError>> {
        let payments: Vec<Option<New>> = new.iter().map(payment).collect();
        let understood: Vec<New> = payments.iter().flatten().cloned().collect();
        let begun = match store::begin(&understood, Timestamp::now()) {
            Ok(begun) => begun,
            Err(error) => return new.iter().map(|_| Err(unavailable(&error))).collect(),
        };
        let begun: HashMap<_, _> = begun.into_iter().map(|payment| (payment.top_up.clone(), payment)).collect();
        let pages = has_pages();
        let answer = |top_up: &TopUp| match begun.get(&top_up.id) {
            None => Err(ProviderError::Refused("expires-at is no RFC 3339 time".to_owned())),
            Some(payment) => Ok(Started {
                reference: payment.reference.clone(),
                confirmation_url: pages.then(|| confirmation_url(&payment.reference)),
                expires_at: Some(payment.expires_at.to_rfc3339()),
            }),
        };
        new.iter().map(answer).collect()
    }

    fn callback(request: CallbackRequest) -> Result<Notice, CallbackError> {
        let signature = signed(&request.headers, Timestamp::now().as_seconds())?;
        prove(&signature, &request.body)?;
        let event = Event::read(&request.body).map_err(CallbackError::Malformed)?;
        // So that the page and `status` know what was told by hand.
        store::decide(&event.top_up, event.amount, &event.currency, event.kind.state())
            .map_err(|error| CallbackError::Unavailable(error.to_string()))?;
        Ok(Notice { events: vec![told(event)], acknowledgement: None })
    }

    fn status(references: Vec<String>) -> Vec<Result<Stands, ProviderError>> {
        let payments = match store::by_references(&references) {
            Ok(payments) => payments,
            Err(error) => return references.iter().map(|_| Err(unavailable(&error))).collect(),
        };
        let payments: HashMap<_, _> =
            payments.into_iter().map(|payment| (payment.reference.clone(), payment)).collect();
        let now = Timestamp::now();
        let stands = |reference: &String| {
            let unknown = || ProviderError::UnknownReference(format!("the sandbox knows no {reference}"));
            let payment = payments.get(reference).ok_or_else(unknown)?;
            Ok(match payment.state_at(now) {
                State::Pending => Stands::Pending,
                State::Succeeded => {
                    Stands::Succeeded(Settled { amount: payment.amount, currency: payment.currency.clone() })
                }
                State::Failed => Stands::Failed(DECLINED.to_owned()),
            })
        };
        references.iter().map(stands).collect()
    }
}

const DECLINED: &str = "It was declined, or nobody paid in time.";

/// Whether there are pages, or callbacks are made by hand alone.
pub(crate) fn has_pages() -> bool {
    config::get("pages").as_deref() == Some("on")
}

/// The code that signs a body at a time, as the header has it.
pub(crate) fn sign(body: &[u8], now: i64) -> Result<String, CryptoError> {
    let code = signatures::sign(Key::Secret(SECRET), &Signature { time: now, codes: Vec::new() }.message(body))?;
    Ok(format!("t={now},v1={}", hex::encode(code)))
}

fn payment(top_up: &TopUp) -> Option<New> {
    Some(New {
        reference: id::new(NAME),
        top_up: top_up.id.clone(),
        amount: top_up.amount,
        currency: top_up.currency.clone(),
        description: top_up.description.clone(),
        return_url: top_up.return_url.clone(),
        callback_url: top_up.callback_url.clone(),
        expires_at: Timestamp::parse(&top_up.expires_at).ok()?.as_micros(),
    })
}

fn confirmation_url(reference: &str) -> String {
    format!("{}/sandbox-payments/pay/{reference}", environment::describe().public_url)
}

fn told(event: Event) -> Told {
    let Event { id, kind, top_up, amount, currency } = event;
    let outcome = match kind {
        Kind::Succeeded => Outcome::Succeeded,
        Kind::Failed => Outcome::Failed(DECLINED.to_owned()),
    };
    Told { id, top_up, amount, currency, outcome }
}

/// The signature of a callback that was made about now.
fn signed(headers: &[(String, String)], now: i64) -> Result<Signature, CallbackError> {
    let mut values = headers.iter().filter(|(name, _)| name == HEADER).map(|(_, value)| value);
    let (Some(header), None) = (values.next(), values.next()) else {
        return Err(CallbackError::BadSignature(format!("Send the field Sandbox-Signature once: {FORM}.")));
    };
    let signature = Signature::parse(header).and_then(|signature| {
        signature.check_time(now)?;
        Ok(signature)
    });
    signature.map_err(|error| match error {
        SignatureError::Malformed => CallbackError::BadSignature(format!("The signature is not {FORM}.")),
        SignatureError::OutsideTolerance => {
            CallbackError::ExpiredSignature(format!("The signature's time is more than {TOLERANCE} s from now."))
        }
    })
}

/// Whether one of the codes is the body's.
fn prove(signature: &Signature, body: &[u8]) -> Result<(), CallbackError> {
    let message = signature.message(body);
    for code in &signature.codes {
        match signatures::verify(Key::Secret(SECRET), &message, code) {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(CryptoError::UnknownKey(name)) => return Err(CallbackError::Misconfigured(format!("no key {name}"))),
            Err(CryptoError::Unavailable(words)) => return Err(CallbackError::Unavailable(words)),
        }
    }
    Err(CallbackError::BadSignature("No code of the signature is the body's.".to_owned()))
}

fn unavailable(error: &database::Error) -> ProviderError {
    log::warn!("the sandbox's database: {}", error);
    ProviderError::Unavailable("the sandbox can't reach its database".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callback_without_a_good_header_is_turned_away_before_any_key_is_asked_for() {
        let code = "0".repeat(64);
        let header = |name: &str, value: String| (name.to_owned(), value);
        let good = header(HEADER, format!("t=1000,v1={code}"));
        assert_eq!(signed(std::slice::from_ref(&good), 1_000).unwrap().time, 1_000);
        for headers in [
            vec![],
            vec![header(HEADER, "t=1000".to_owned())],
            vec![good.clone(), good.clone()],
            vec![header("x", good.1)],
        ] {
            assert!(matches!(signed(&headers, 1_000), Err(CallbackError::BadSignature(_))), "{headers:?}");
        }
        for time in [699, 1_301] {
            let headers = [header(HEADER, format!("t={time},v1={code}"))];
            assert!(matches!(signed(&headers, 1_000), Err(CallbackError::ExpiredSignature(_))), "{time}");
        }
    }

    #[test]
    fn it_is_what_the_contract_allows() {
        let info = Provider::describe();
        assert!(info.name.len() <= 40 && info.name.bytes().all(|byte| byte.is_ascii_lowercase()));
        assert!(info.currencies.iter().all(|limits| limits.least >= 1 && limits.most <= MOST));
    }

    #[test]
    fn an_event_says_what_the_body_said() {
        let body = br#"{"id":"e","type":"top_up.failed","top_up":"top_1","amount":7,"currency":"RUB"}"#;
        let event = told(Event::read(body).unwrap());
        assert_eq!((event.id.as_str(), event.top_up.as_str(), event.amount), ("e", "top_1", 7));
        assert_eq!(event.outcome, Outcome::Failed(DECLINED.to_owned()));
    }
}
