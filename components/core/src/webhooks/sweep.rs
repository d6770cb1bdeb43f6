//! The schedule that removes what is old, and starts again what an outage left lying.

use std::time::{Duration, Instant};

use datamp_models::webhooks::WebhookEndpointId;
use datamp_sdk::database::{self, Transaction};
use datamp_sdk::jobs::NewJob;
use datamp_sdk::{Failure, Timestamp, jobs, log, params};

use super::{fan_out, send};
use crate::sql::Statement;

/// The name of the schedule, and of the job that goes on where one run was not enough.
pub const JOB: &str = "webhooks-sweep";

/// How long events and what became of them are kept.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// A delivery that is due for so long has nobody who cares for it.
const OVERDUE: Duration = Duration::from_secs(60);

/// The most events that one transaction removes, with everything that belongs to them.
const BATCH: i64 = 500;

/// How many endpoints are started again at once.
const STARTED: i64 = 1000;

/// No batch begins later than this after the run began.
const GO_ON: Duration = Duration::from_secs(4);

const OVERDUE_ENDPOINTS: &str = "SELECT w.id FROM webhook_endpoint AS w WHERE EXISTS (SELECT 1 FROM webhook_delivery AS d \
                                 WHERE d.endpoint_id = w.id AND d.status = 'pending' AND d.next_attempt_at < $1) \
                                 ORDER BY w.id LIMIT $2";

const OLD: &str = "SELECT e.id FROM webhook_event AS e WHERE e.created_at < $1 AND e.fanned_out_at IS NOT NULL \
                   AND NOT EXISTS (SELECT 1 FROM webhook_delivery AS d WHERE d.event_id = e.id AND d.status = 'pending') \
                   ORDER BY e.created_at LIMIT $2";

const ATTEMPTS: Statement = Statement {
    sqlite: "DELETE FROM webhook_attempt WHERE event_id IN (SELECT value FROM json_each($1))",
    postgresql: "DELETE FROM webhook_attempt WHERE event_id = ANY($1)",
};

const DELIVERIES: Statement = Statement {
    sqlite: "DELETE FROM webhook_delivery WHERE event_id IN (SELECT value FROM json_each($1))",
    postgresql: "DELETE FROM webhook_delivery WHERE event_id = ANY($1)",
};

const EVENTS: Statement = Statement {
    sqlite: "DELETE FROM webhook_event WHERE id IN (SELECT value FROM json_each($1))",
    postgresql: "DELETE FROM webhook_event WHERE id = ANY($1)",
};

const ENDPOINTS: &str = "DELETE FROM webhook_endpoint WHERE status = 'deleted' \
                         AND NOT EXISTS (SELECT 1 FROM webhook_delivery AS d WHERE d.endpoint_id = webhook_endpoint.id)";

/// One run.
pub fn run() -> Result<(), Failure> {
    let began = Instant::now();
    let now = Timestamp::now();
    fan_out::run()?;
    database::transaction(|tx| start_again(tx, now))?;
    let mut removed = 0;
    let finished = loop {
        let batch = database::transaction(|tx| remove(tx, now - KEPT))?;
        removed += batch;
        if i64::try_from(batch).unwrap_or(0) < BATCH {
            break true;
        }
        if began.elapsed() > GO_ON {
            break false;
        }
    };
    database::execute(ENDPOINTS, params![])?;
    if removed > 0 {
        log::info!("{} webhook events were removed after {} days", removed, KEPT.as_secs() / 86_400);
    }
    if !finished {
        jobs::schedule(&NewJob::at(Timestamp::now(), JOB, "more", &())?)?;
    }
    Ok(())
}

/// Schedules the jobs of endpoints that nobody cares for: a run of theirs became a dead letter, say.
fn start_again(tx: &Transaction, now: Timestamp) -> Result<(), database::Error> {
    let overdue: Vec<WebhookEndpointId> = tx.query(OVERDUE_ENDPOINTS, params![now - OVERDUE, STARTED])?;
    send::schedule_all(tx, &overdue, now)
}

/// Removes events that are older than a time, with their deliveries; answers how many.
fn remove(tx: &Transaction, before: Timestamp) -> Result<usize, database::Error> {
    let events: Vec<String> = tx.query(OLD, params![before, BATCH])?;
    if !events.is_empty() {
        for statement in [ATTEMPTS, DELIVERIES, EVENTS] {
            tx.execute(statement.text(), params![events])?;
        }
    }
    Ok(events.len())
}
