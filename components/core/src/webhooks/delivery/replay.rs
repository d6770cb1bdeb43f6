//! Deliveries that are sent again.

use datamp_models::core::ShopId;
use datamp_models::webhooks::{WebhookEndpointId, WebhookEndpointStatus};
use datamp_sdk::database::Transaction;
use datamp_sdk::{Problem, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use super::store;
use crate::webhooks::endpoint::store as endpoints;
use crate::webhooks::{endpoint_disabled, endpoint_not_found, send};

/// How many deliveries are sent again in one transaction.
const MOST: i64 = 1000;

/// How many are.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ReplayedWebhookDeliveries")]
pub struct Replayed {
    /// Their number.
    pub replayed: u64,
    /// Whether there are more: ask again, with another key.
    pub has_more: bool,
}

/// Sends all dead deliveries of an endpoint again that were made since a time, the oldest first, at most [`MOST`].
///
/// # Errors
/// The shop has no such endpoint, or it is disabled.
pub fn replay_dead(
    tx: &Transaction,
    shop: &ShopId,
    id: &WebhookEndpointId,
    since: Timestamp,
) -> Result<Replayed, Problem> {
    let now = Timestamp::now();
    enabled(tx, shop, id)?;
    let (replayed, has_more) = store::replay_dead(tx, id, since, now, MOST)?;
    if replayed > 0 {
        endpoints::resume(tx, id)?;
        send::schedule(tx, id, now)?;
    }
    Ok(Replayed { replayed, has_more })
}

/// Locks an endpoint that something is to be sent to.
pub(super) fn enabled(tx: &Transaction, shop: &ShopId, id: &WebhookEndpointId) -> Result<(), Problem> {
    let endpoint = endpoints::lock(tx, shop, id)?.ok_or_else(endpoint_not_found)?;
    if endpoint.status == WebhookEndpointStatus::Enabled { Ok(()) } else { Err(endpoint_disabled()) }
}
