//! Payment providers: who takes the money of a top-up in.
//!
//! A top-up is started at a provider, which names it, and later tells by a signed callback what became of it.

pub mod sandbox;

use datamp_models::core::TopUpId;
use datamp_models::{Amount, Currency};
use serde::{Deserialize, Serialize};

/// What a provider says happened to a top-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventKind {
    /// The money came.
    #[serde(rename = "top_up.succeeded")]
    Succeeded,
    /// It did not, and won't.
    #[serde(rename = "top_up.failed")]
    Failed,
}

impl EventKind {
    /// Its name in the database and in callbacks.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "top_up.succeeded",
            Self::Failed => "top_up.failed",
        }
    }
}

/// What a callback tells. Members that are not known here are left alone: providers add some.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Event {
    /// The provider's id of the event, the same however often it is sent.
    pub id: crate::text::Text<100>,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: EventKind,
    /// To which top-up.
    pub top_up: TopUpId,
    /// How much money is concerned.
    pub amount: Amount,
    /// In which currency.
    pub currency: Currency,
}
