//! Payment providers: who takes the money of a top-up in.
//!
//! A provider is a component that exports `datamp:payments/provider` (`wit/payments`); one is active at a time. Nothing here knows
//! what its protocol is. It is never asked within a transaction of the database: an answer may take seconds, or not come.

mod ask;
mod bindings;
mod convert;
pub mod problem;

pub use ask::{callback, describe, start, status};
pub use datamp_models::core::ProviderName;

use datamp_models::core::TopUpId;
use datamp_models::{Amount, Currency};
use datamp_sdk::Timestamp;

use crate::text::{Text, WebAddress};

/// The most top-ups that a provider is asked about in one call, and the most events of one callback.
pub const MAX_BATCH: usize = 100;

/// What a provider is, as it says itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// Its name.
    pub name: ProviderName,
    /// What it takes; a currency that is not known here is left out.
    pub currencies: Vec<Limits>,
}

/// What a provider takes in one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The currency.
    pub currency: Currency,
    /// The least, in minor units.
    pub least: i64,
    /// The most, in minor units.
    pub most: i64,
}

/// What a provider is given to begin a top-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToStart<'a> {
    /// Which.
    pub id: &'a TopUpId,
    /// How much.
    pub amount: Amount,
    /// In which currency.
    pub currency: Currency,
    /// Where the person is sent when they are done.
    pub return_url: Option<&'a str>,
    /// When they have to be.
    pub expires_at: Timestamp,
}

/// A top-up that a provider has begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// What the provider calls it.
    pub reference: Text<200>,
    /// Where the person confirms.
    pub confirmation_url: Option<WebAddress>,
    /// When the provider gives it up, where it says so.
    pub expires_at: Option<Timestamp>,
}

/// Why a provider did not do something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It never will; says why.
    Refused(String),
    /// It knows no such reference.
    UnknownReference,
    /// Not now. What it said is in the log.
    Unavailable,
    /// What it answered is no answer. Says what is wrong with it.
    Invalid(String),
}

/// What a provider says happened to a top-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// The money came.
    Succeeded,
    /// It did not, and won't.
    Failed,
}

impl EventKind {
    /// Its name in the database and in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "top_up.succeeded",
            Self::Failed => "top_up.failed",
        }
    }
}

/// What a provider tells of a top-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// What happened.
    pub kind: EventKind,
    /// How much money is concerned.
    pub amount: Amount,
    /// In which currency.
    pub currency: Currency,
    /// Why it failed, for people.
    pub reason: Option<String>,
}

/// What a callback tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The provider's id of the event, the same however often it is sent.
    pub id: Text<100>,
    /// Of which top-up.
    pub top_up: TopUpId,
    /// What.
    pub word: Word,
}

/// How a top-up stands at its provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing is decided.
    Pending,
    /// So much money came.
    Succeeded(Amount, Currency),
    /// None will. Says why, for people.
    Failed(Option<String>),
}

/// What was in a callback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The events.
    pub events: Vec<Event>,
    /// What the provider's server wants to hear.
    pub acknowledgement: Option<Acknowledgement>,
}

/// A response for the provider's server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledgement {
    /// 200 to 299.
    pub status: u16,
    /// Its media type.
    pub content_type: String,
    /// The body.
    pub body: Vec<u8>,
}
