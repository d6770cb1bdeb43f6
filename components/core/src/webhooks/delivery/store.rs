//! The tables `webhook_delivery` and `webhook_attempt`, as shops see and replay them.

use datamp_models::webhooks::{WebhookDeliveryStatus, WebhookEndpointId, WebhookEventId};
use datamp_sdk::database::{self, Transaction};
use datamp_sdk::{Timestamp, params};

use super::{Attempt, Delivery};

const INSERT: &str = "INSERT INTO webhook_delivery (event_id, endpoint_id, status, attempts, attempts_before, next_attempt_at, created_at) \
                      VALUES ($1, $2, 'pending', 0, 0, $3, $3)";

const BY_ID: &str = "SELECT d.event_id AS id, e.type, d.status, d.dead_because, d.attempts, d.next_attempt_at, d.created_at, \
                     d.finished_at FROM webhook_delivery AS d JOIN webhook_event AS e ON e.id = d.event_id \
                     WHERE d.endpoint_id = $1 AND d.event_id = $2";

const OF_ENDPOINT: &str = "SELECT d.event_id AS id, e.type, d.status, d.dead_because, d.attempts, d.next_attempt_at, d.created_at, \
                           d.finished_at FROM webhook_delivery AS d JOIN webhook_event AS e ON e.id = d.event_id \
                           WHERE d.endpoint_id = $1 AND d.event_id < $2 ORDER BY d.event_id DESC LIMIT $3";

const OF_STATUS: &str = "SELECT d.event_id AS id, e.type, d.status, d.dead_because, d.attempts, d.next_attempt_at, d.created_at, \
                         d.finished_at FROM webhook_delivery AS d JOIN webhook_event AS e ON e.id = d.event_id \
                         WHERE d.endpoint_id = $1 AND d.event_id < $2 AND d.status = $4 ORDER BY d.event_id DESC LIMIT $3";

const ATTEMPTS: &str = "SELECT number, started_at, duration_ms, status_code, error, response_body FROM webhook_attempt \
                        WHERE event_id = $1 AND endpoint_id = $2 ORDER BY number DESC LIMIT $3";

const REPLAY: &str = "UPDATE webhook_delivery SET status = 'pending', dead_because = NULL, attempts_before = attempts, \
                      next_attempt_at = $3, finished_at = NULL \
                      WHERE endpoint_id = $1 AND event_id = $2 AND status <> 'pending'";

const REPLAY_DEAD: &str = "UPDATE webhook_delivery SET status = 'pending', dead_because = NULL, attempts_before = attempts, \
                           next_attempt_at = $3, finished_at = NULL \
                           WHERE endpoint_id = $1 AND status = 'dead' AND event_id IN (SELECT event_id FROM webhook_delivery \
                           WHERE endpoint_id = $1 AND status = 'dead' AND created_at >= $2 ORDER BY event_id LIMIT $4)";

const ONE_DEAD: &str =
    "SELECT event_id FROM webhook_delivery WHERE endpoint_id = $1 AND status = 'dead' AND created_at >= $2 LIMIT 1";

/// Makes a delivery that is due at once.
pub fn insert(
    tx: &Transaction,
    endpoint: &WebhookEndpointId,
    event: &WebhookEventId,
    now: Timestamp,
) -> Result<(), database::Error> {
    tx.execute(INSERT, params![event.as_str(), endpoint.as_str(), now]).map(drop)
}

/// A delivery of an endpoint.
pub fn get(endpoint: &WebhookEndpointId, event: &WebhookEventId) -> Result<Option<Delivery>, database::Error> {
    database::query_optional(BY_ID, params![endpoint.as_str(), event.as_str()])
}

/// The same within a transaction.
pub fn get_in(
    tx: &Transaction,
    endpoint: &WebhookEndpointId,
    event: &WebhookEventId,
) -> Result<Option<Delivery>, database::Error> {
    tx.query_optional(BY_ID, params![endpoint.as_str(), event.as_str()])
}

/// At most `rows` deliveries of an endpoint whose events are older than `after`, newest first; of one status, or of all.
pub fn of_endpoint(
    endpoint: &WebhookEndpointId,
    status: Option<WebhookDeliveryStatus>,
    after: Option<&WebhookEventId>,
    rows: i64,
) -> Result<Vec<Delivery>, database::Error> {
    let after = after.map_or(crate::page::NEWEST, WebhookEventId::as_str);
    match status {
        Some(status) => database::query(OF_STATUS, params![endpoint.as_str(), after, rows, status.as_str()]),
        None => database::query(OF_ENDPOINT, params![endpoint.as_str(), after, rows]),
    }
}

/// The latest attempts at a delivery, at most `most`, the latest first.
pub fn attempts(
    endpoint: &WebhookEndpointId,
    event: &WebhookEventId,
    most: i64,
) -> Result<Vec<Attempt>, database::Error> {
    database::query(ATTEMPTS, params![event.as_str(), endpoint.as_str(), most])
}

/// Has a delivery attempted anew, as often as a new one. `false` where it is on its way already, or not there.
pub fn replay(
    tx: &Transaction,
    endpoint: &WebhookEndpointId,
    event: &WebhookEventId,
    now: Timestamp,
) -> Result<bool, database::Error> {
    Ok(tx.execute(REPLAY, params![endpoint.as_str(), event.as_str(), now])? == 1)
}

/// The same with dead ones that were made since then, the oldest first, at most `most`. Answers how many, and whether there are more.
pub fn replay_dead(
    tx: &Transaction,
    endpoint: &WebhookEndpointId,
    since: Timestamp,
    now: Timestamp,
    most: i64,
) -> Result<(u64, bool), database::Error> {
    let replayed = tx.execute(REPLAY_DEAD, params![endpoint.as_str(), since, now, most])?;
    let left: Option<String> = tx.query_optional(ONE_DEAD, params![endpoint.as_str(), since])?;
    Ok((replayed, left.is_some()))
}
