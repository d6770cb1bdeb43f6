//! The body of a callback.

use serde::{Deserialize, Serialize};

use crate::payment::{Payment, State};

/// What a callback says happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// The money came.
    #[serde(rename = "top_up.succeeded")]
    Succeeded,
    /// It did not, and won't.
    #[serde(rename = "top_up.failed")]
    Failed,
}

impl Kind {
    /// How the payment stands then.
    pub fn state(self) -> State {
        match self {
            Self::Succeeded => State::Succeeded,
            Self::Failed => State::Failed,
        }
    }
}

/// What a callback tells. Members that are not known here are left alone, as with real providers: they add some.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The same however often it is sent.
    pub id: String,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// To which top-up.
    pub top_up: String,
    /// How much, in minor units.
    pub amount: i64,
    /// ISO 4217.
    pub currency: String,
}

impl Event {
    /// Reads a body, or says what is wrong with it.
    pub fn read(body: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(body).map_err(|error| error.to_string())
    }

    /// What is to be told of a payment; nothing of one that nobody decided.
    pub fn of(payment: &Payment) -> Option<Self> {
        let kind = match payment.state {
            State::Pending => return None,
            State::Succeeded => Kind::Succeeded,
            State::Failed => Kind::Failed,
        };
        Some(Self {
            // A payment comes to each outcome once.
            id: format!("{}-{}", payment.reference, payment.state.as_str()),
            kind,
            top_up: payment.top_up.clone(),
            amount: payment.amount,
            currency: payment.currency.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datamp_sdk::Timestamp;

    const GOOD: &str =
        r#"{"id":"evt_1","type":"top_up.failed","top_up":"top_1","amount":100,"currency":"RUB","extra":1}"#;

    #[test]
    fn an_event_is_read_whole_or_refused() {
        let read = Event::read(GOOD.as_bytes()).unwrap();
        assert_eq!((read.kind, read.amount, read.currency.as_str()), (Kind::Failed, 100, "RUB"));
        for (part, other) in [
            ("top_up.failed", "top_up.unknown"),
            ("100", "100.0"),
            ("100", "\"100\""),
            ("100", "9223372036854775808"),
            ("\"amount\":100,", ""),
            ("\"id\":\"evt_1\",", ""),
            ("}", ""),
        ] {
            assert!(Event::read(GOOD.replace(part, other).as_bytes()).is_err(), "{other}");
        }
    }

    #[test]
    fn what_is_told_of_a_payment_can_be_read_and_has_one_id_for_each_outcome() {
        let payment = |state| Payment {
            reference: "sandbox_1".to_owned(),
            top_up: "top_1".to_owned(),
            amount: 1_000_000_000_000_000,
            currency: "RUB".to_owned(),
            description: String::new(),
            return_url: None,
            callback_url: String::new(),
            state,
            expires_at: Timestamp::from_seconds(10),
        };
        assert_eq!(Event::of(&payment(State::Pending)), None);
        let told = Event::of(&payment(State::Succeeded)).unwrap();
        assert_eq!(Event::read(&serde_json::to_vec(&told).unwrap()), Ok(told.clone()));
        assert_eq!((told.id.as_str(), told.kind.state()), ("sandbox_1-succeeded", State::Succeeded));
        assert_ne!(Event::of(&payment(State::Failed)).unwrap().id, told.id);
    }
}
