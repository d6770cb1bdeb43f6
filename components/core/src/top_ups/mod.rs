//! Top-ups: money that comes in for a shop through a provider.

pub mod api;
pub mod callback;
pub mod store;

use datamp_models::core::{TopUpId, TopUpStatus};
use datamp_models::{Amount, Currency};
use datamp_sdk::Timestamp;
use serde::{Deserialize, Serialize};

use crate::text::WebAddress;

/// A top-up that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewTopUp {
    /// How much.
    pub amount: Amount,
    /// Of the shop's accounts, the one in this currency is credited.
    pub currency: Currency,
    /// Where the provider sends the person back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_url: Option<WebAddress>,
}

/// A top-up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopUp {
    /// Its id.
    pub id: TopUpId,
    /// Where it stands.
    pub status: TopUpStatus,
    /// How much, in minor units.
    pub amount: Amount,
    /// The currency.
    pub currency: Currency,
    /// Who takes the money in.
    pub provider: String,
    /// What the provider calls it.
    pub provider_reference: String,
    /// Where the provider sends the person back to.
    pub return_url: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When the provider said what became of it.
    pub resolved_at: Option<Timestamp>,
}
