//! Payments, as the sandbox keeps them.

use datamp_sdk::Timestamp;
use serde::{Deserialize, Serialize};

/// How a payment stands. `succeeded` is final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Nobody has decided.
    Pending,
    /// Somebody paid.
    Succeeded,
    /// Somebody declined.
    Failed,
}

impl State {
    /// Its name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}

/// A payment.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Payment {
    /// The sandbox's name for it.
    pub reference: String,
    /// The top-up that it is for.
    pub top_up: String,
    /// How much, in minor units.
    pub amount: i64,
    /// ISO 4217.
    pub currency: String,
    /// What it is for.
    pub description: String,
    /// Where the person goes afterwards.
    pub return_url: Option<String>,
    /// Where callbacks go.
    pub callback_url: String,
    /// How it stands.
    pub state: State,
    /// When it is given up.
    pub expires_at: Timestamp,
}

impl Payment {
    /// How it stands by a time: one that nobody decided has failed when it is given up.
    pub fn state_at(&self, now: Timestamp) -> State {
        if self.state == State::Pending && self.expires_at <= now { State::Failed } else { self.state }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_pays_after_its_time() {
        let payment = |state| Payment {
            reference: "sandbox_1".to_owned(),
            top_up: "top_1".to_owned(),
            amount: 1,
            currency: "RUB".to_owned(),
            description: String::new(),
            return_url: None,
            callback_url: String::new(),
            state,
            expires_at: Timestamp::from_seconds(10),
        };
        assert_eq!(payment(State::Pending).state_at(Timestamp::from_seconds(9)), State::Pending);
        assert_eq!(payment(State::Pending).state_at(Timestamp::from_seconds(10)), State::Failed);
        assert_eq!(payment(State::Succeeded).state_at(Timestamp::from_seconds(10)), State::Succeeded);
    }
}
