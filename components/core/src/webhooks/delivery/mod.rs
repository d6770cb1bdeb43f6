//! Deliveries: events on their way to endpoints.
//!
//! Within an endpoint a delivery has the id of its event, which is what its receiver knows as `webhook-id`.

pub mod api;
pub mod attempt;
pub mod replay;
pub mod store;

use datamp_models::webhooks::{WebhookDeadBecause, WebhookDeliveryStatus, WebhookEventId, WebhookEventType};
use datamp_sdk::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A delivery as its shop sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "WebhookDelivery")]
pub struct Delivery {
    /// The event's id.
    pub id: WebhookEventId,
    /// What happened.
    pub r#type: WebhookEventType,
    /// Where it stands.
    pub status: WebhookDeliveryStatus,
    /// Why it is not attempted any more.
    pub dead_because: Option<WebhookDeadBecause>,
    /// How often it was attempted, one under way included.
    pub attempts: i64,
    /// When it is due. It may be later: where the endpoint is paused after failures, or has much to do.
    pub next_attempt_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was delivered, or given up.
    pub finished_at: Option<Timestamp>,
}

/// One attempt. All but the first two are `None` while it is under way, and for good where nobody lived to see what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "WebhookAttempt")]
pub struct Attempt {
    /// From 1.
    pub number: i64,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took.
    pub duration_ms: Option<i64>,
    /// The answer's status, if there was an answer.
    pub status_code: Option<i64>,
    /// Why it failed, in words.
    pub error: Option<String>,
    /// The first KiB of the answer's body.
    pub response_body: Option<String>,
}
