//! Top-ups: money that comes in for a shop through a provider.
//!
//! A top-up is written down (`created`), then its provider is asked, outside of any transaction, and then it is `pending`. Whatever
//! ends in between (a lost client, a provider that fails, the power) leaves a top-up that is `created`: the same request with the
//! same Idempotency-Key goes on with it, and otherwise it expires. What its provider then says decides, by a callback
//! ([`callback`]) or because it is asked ([`reconciliation`]).

pub mod api;
pub mod callback;
pub mod lifetime;
pub mod reconciliation;
pub mod start;
pub mod store;

use datamp_models::core::{ProviderName, TopUpId, TopUpStatus};
use datamp_models::{Amount, Currency};
use datamp_sdk::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text::WebAddress;

/// A top-up that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    #[schemars(extend("examples" = ["sandbox"]))]
    pub provider: ProviderName,
    /// What the provider calls it; null until it was begun there.
    #[schemars(extend("examples" = ["sandbox_01h455vb4pex5vsknk084sn02q"]))]
    pub provider_reference: Option<String>,
    /// Where the person is to be sent to confirm it; null until it was begun, or where there is nothing to confirm.
    pub confirmation_url: Option<String>,
    /// Where the provider sends the person back to.
    pub return_url: Option<String>,
    /// Why it failed, where it did and the provider said so.
    pub failure: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it is given up. Money that comes later is credited all the same.
    pub expires_at: Timestamp,
    /// When it was decided what became of it.
    pub resolved_at: Option<Timestamp>,
}

impl crate::listing::Entry for TopUp {
    fn place(&self) -> (Timestamp, &str) {
        (self.created_at, self.id.as_str())
    }
}
