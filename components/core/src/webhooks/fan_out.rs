//! From events to deliveries: one for each endpoint that wants the event.

use std::collections::BTreeSet;

use datamp_models::webhooks::WebhookEndpointId;
use datamp_sdk::database::{self, Transaction};
use datamp_sdk::{Failure, Timestamp, params};

use super::send;
use crate::sql::Statement;

/// The most events of one transaction: with 16 endpoints each, fewer deliveries than rows that one answer holds.
const BATCH: i64 = 500;

/// Events that nobody else works on, and that are now done.
const TAKE: Statement = Statement {
    sqlite: "UPDATE webhook_event SET fanned_out_at = $1 WHERE id IN \
             (SELECT id FROM webhook_event WHERE fanned_out_at IS NULL ORDER BY id LIMIT $2) RETURNING id",
    // Chosen once, and then changed: a plan that chose them again would lock others.
    postgresql: "WITH chosen AS MATERIALIZED (SELECT id FROM webhook_event WHERE fanned_out_at IS NULL ORDER BY id LIMIT $2 \
                 FOR UPDATE SKIP LOCKED) \
                 UPDATE webhook_event SET fanned_out_at = $1 WHERE id IN (SELECT id FROM chosen) RETURNING id",
};

const DELIVER: Statement = Statement {
    sqlite: "INSERT INTO webhook_delivery (event_id, endpoint_id, status, attempts, attempts_before, next_attempt_at, created_at) \
             SELECT e.id, w.id, 'pending', 0, 0, $2, $2 FROM webhook_event AS e \
             JOIN webhook_endpoint AS w ON w.shop_id = e.shop_id AND w.status = 'enabled' \
             AND (w.event_types IS NULL OR w.event_types LIKE '%\"' || e.type || '\"%') \
             WHERE e.id IN (SELECT value FROM json_each($1)) ON CONFLICT (event_id, endpoint_id) DO NOTHING RETURNING endpoint_id",
    postgresql: "INSERT INTO webhook_delivery (event_id, endpoint_id, status, attempts, attempts_before, next_attempt_at, created_at) \
                 SELECT e.id, w.id, 'pending', 0, 0, $2, $2 FROM webhook_event AS e \
                 JOIN webhook_endpoint AS w ON w.shop_id = e.shop_id AND w.status = 'enabled' \
                 AND (w.event_types IS NULL OR w.event_types LIKE '%\"' || e.type || '\"%') \
                 WHERE e.id = ANY($1) ON CONFLICT (event_id, endpoint_id) DO NOTHING RETURNING endpoint_id",
};

/// Whoever lets go of an endpoint looks for what is due and schedules its job by that; a delivery that is made meanwhile would be overslept.
/// So whoever makes one has the endpoint before it schedules. On SQLite a writing transaction is alone.
const LOCK: Statement = Statement {
    sqlite: "SELECT id FROM webhook_endpoint WHERE id IN (SELECT value FROM json_each($1)) ORDER BY id",
    postgresql: "SELECT id FROM webhook_endpoint WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE",
};

/// Fans out all events that wait, whoever recorded them: a message that comes twice, or late, does no harm.
pub fn run() -> Result<(), Failure> {
    loop {
        let taken = database::transaction(batch)?;
        if i64::try_from(taken).unwrap_or(0) < BATCH {
            return Ok(());
        }
    }
}

fn batch(tx: &Transaction) -> Result<usize, database::Error> {
    let now = Timestamp::now();
    let events: Vec<String> = tx.query(TAKE.text(), params![now, BATCH])?;
    if !events.is_empty() {
        let endpoints: Vec<WebhookEndpointId> = tx.query(DELIVER.text(), params![events, now])?;
        // In their order, so that two who schedule the same ones don't wait for each other in a circle.
        let endpoints: BTreeSet<_> = endpoints.into_iter().collect();
        let ids: Vec<&str> = endpoints.iter().map(WebhookEndpointId::as_str).collect();
        let endpoints: Vec<WebhookEndpointId> = tx.query(LOCK.text(), params![ids])?;
        send::schedule_all(tx, &endpoints, now)?;
    }
    Ok(events.len())
}
