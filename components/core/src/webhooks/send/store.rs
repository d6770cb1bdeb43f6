//! The tables of webhooks, as they are sent.

use std::time::Duration;

use datamp_models::webhooks::{WebhookDisabledBecause, WebhookEndpointId, WebhookEndpointStatus, WebhookEventId};
use datamp_sdk::database::{self, Transaction};
use datamp_sdk::{Timestamp, params};
use serde::Deserialize;

use super::is_open;
use crate::sql::Statement;
use crate::webhooks::delivery::attempt::{Finished, Next};

const LOCK: Statement = Statement {
    sqlite: "SELECT status, paused_until, sending_until FROM webhook_endpoint WHERE id = $1",
    postgresql: "SELECT status, paused_until, sending_until FROM webhook_endpoint WHERE id = $1 FOR NO KEY UPDATE",
};

const TAKE: &str = "UPDATE webhook_endpoint SET sending_until = $2 WHERE id = $1";

const RELEASE: &str =
    "UPDATE webhook_endpoint SET sending_until = NULL WHERE id = $1 RETURNING status, paused_until, sending_until";

const NEXT_DUE: &str = "SELECT MIN(next_attempt_at) AS next_attempt_at FROM webhook_delivery WHERE endpoint_id = $1 AND status = 'pending'";

const DUE: &str = "SELECT w.url, w.secret_version, w.previous_secret_until, w.failures, d.event_id, d.attempts, d.attempts_before, \
                   e.payload FROM webhook_delivery AS d JOIN webhook_event AS e ON e.id = d.event_id \
                   JOIN webhook_endpoint AS w ON w.id = d.endpoint_id \
                   WHERE d.endpoint_id = $1 AND d.status = 'pending' AND d.next_attempt_at <= $2 AND w.status = 'enabled' \
                   ORDER BY d.next_attempt_at, d.event_id LIMIT 1";

const COUNT: &str = "UPDATE webhook_delivery SET attempts = $3, next_attempt_at = $4 WHERE endpoint_id = $1 AND event_id = $2 AND status = 'pending'";

const NOTE_START: &str =
    "INSERT INTO webhook_attempt (event_id, endpoint_id, number, started_at) VALUES ($1, $2, $3, $4)";

const NOTE_END: &str = "UPDATE webhook_attempt SET duration_ms = $4, status_code = $5, error = $6, response_body = $7 \
                        WHERE event_id = $1 AND endpoint_id = $2 AND number = $3";

const SETTLE: &str = "UPDATE webhook_delivery SET status = $3, dead_because = $4, next_attempt_at = $5, finished_at = $6 \
                      WHERE endpoint_id = $1 AND event_id = $2 AND status = 'pending'";

/// Mostly there is nothing to forget.
const SUCCEEDED: &str = "UPDATE webhook_endpoint SET failures = 0, failing_since = NULL, paused_until = NULL \
                         WHERE id = $1 AND (failures > 0 OR paused_until IS NOT NULL)";

const FAILED: &str = "UPDATE webhook_endpoint SET failures = failures + 1, failing_since = COALESCE(failing_since, $2), \
                      paused_until = $3 WHERE id = $1 RETURNING failing_since";

const DISABLE: &str = "UPDATE webhook_endpoint SET status = 'disabled', disabled_because = $2, disabled_at = $3 \
                       WHERE id = $1 AND status = 'enabled'";

const GIVE_UP: &str = "UPDATE webhook_delivery SET status = 'dead', dead_because = 'endpoint-disabled', next_attempt_at = NULL, \
                       finished_at = $2 WHERE endpoint_id = $1 AND status = 'pending' \
                       AND event_id IN (SELECT event_id FROM webhook_delivery WHERE endpoint_id = $1 AND status = 'pending' \
                       ORDER BY event_id LIMIT $3) \
                       AND EXISTS (SELECT 1 FROM webhook_endpoint WHERE id = $1 AND status <> 'enabled')";

/// What becomes of who wants to send to an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// There is no such endpoint.
    Missing,
    /// Somebody else has it, until then at the latest.
    Busy(Timestamp),
    /// It is theirs, and takes something, but not before a time.
    Open {
        /// That time.
        paused_until: Timestamp,
    },
    /// It is theirs, and takes nothing.
    Shut,
}

#[derive(Deserialize)]
struct State {
    status: WebhookEndpointStatus,
    paused_until: Option<Timestamp>,
    sending_until: Option<Timestamp>,
}

/// Takes an endpoint, unless somebody has it.
pub fn take(
    tx: &Transaction,
    endpoint: &WebhookEndpointId,
    now: Timestamp,
    until: Timestamp,
) -> Result<Taken, database::Error> {
    let Some(state) = tx.query_optional::<State>(LOCK.text(), params![endpoint.as_str()])? else {
        return Ok(Taken::Missing);
    };
    if let Some(busy) = state.sending_until.filter(|busy| *busy > now) {
        return Ok(Taken::Busy(busy));
    }
    tx.execute(TAKE, params![endpoint.as_str(), until])?;
    Ok(match is_open(state.status) {
        true => Taken::Open { paused_until: state.paused_until.unwrap_or(Timestamp::MIN) },
        false => Taken::Shut,
    })
}

/// Lets go of an endpoint, and answers when there is something to do again.
pub fn release(tx: &Transaction, endpoint: &WebhookEndpointId) -> Result<Option<Timestamp>, database::Error> {
    let Some(state) = tx.query_optional::<State>(RELEASE, params![endpoint.as_str()])? else { return Ok(None) };
    // After the row is locked: what was made while it was somebody's own is seen.
    let due: Option<Timestamp> = tx.query_one(NEXT_DUE, params![endpoint.as_str()])?;
    Ok(due.map(|due| match (is_open(state.status), state.paused_until) {
        (true, Some(paused_until)) => due.max(paused_until),
        (true, None) => due,
        // To be given up, at once.
        (false, _) => Timestamp::now(),
    }))
}

/// A delivery that is due, and where it goes.
#[derive(Clone, Debug, Deserialize)]
pub struct Due {
    /// Where.
    pub url: String,
    secret_version: i64,
    previous_secret_until: Option<Timestamp>,
    /// Attempts of the endpoint that failed one after the other.
    pub failures: i64,
    /// What.
    pub event_id: WebhookEventId,
    /// All attempts.
    pub attempts: i64,
    /// Those before it was last replayed.
    pub attempts_before: i64,
    /// What is sent.
    pub payload: String,
}

impl Due {
    /// The numbers of the secrets that sign, the newest first.
    pub fn secrets(&self, now: Timestamp) -> impl Iterator<Item = i64> {
        let overlaps = self.previous_secret_until.is_some_and(|until| until > now);
        let previous = (overlaps && self.secret_version > 1).then(|| self.secret_version - 1);
        [Some(self.secret_version), previous].into_iter().flatten()
    }
}

/// The delivery of an endpoint that has been due for longest.
pub fn due(tx: &Transaction, endpoint: &WebhookEndpointId, now: Timestamp) -> Result<Option<Due>, database::Error> {
    tx.query_optional(DUE, params![endpoint.as_str(), now])
}

/// Counts an attempt that begins: `due.attempts` is its number. It is due again at `again`, should nothing else be written.
pub fn count(
    tx: &Transaction,
    endpoint: &WebhookEndpointId,
    due: &Due,
    now: Timestamp,
    again: Timestamp,
) -> Result<(), database::Error> {
    tx.execute(COUNT, params![endpoint.as_str(), due.event_id.as_str(), due.attempts, again])?;
    tx.execute(NOTE_START, params![due.event_id.as_str(), endpoint.as_str(), due.attempts, now]).map(drop)
}

/// Notes what came of an attempt.
pub fn note(
    tx: &Transaction,
    endpoint: &WebhookEndpointId,
    due: &Due,
    finished: &Finished,
    took: Duration,
) -> Result<(), database::Error> {
    let took = i64::try_from(took.as_millis()).unwrap_or(i64::MAX);
    let status_code = finished.status_code.map(i64::from);
    let key = (due.event_id.as_str(), endpoint.as_str(), due.attempts);
    tx.execute(NOTE_END, params![key.0, key.1, key.2, took, status_code, finished.error, finished.response_body])
        .map(drop)
}

/// Writes what becomes of a delivery.
pub fn settle(
    tx: &Transaction,
    endpoint: &WebhookEndpointId,
    event: &WebhookEventId,
    next: Next,
    now: Timestamp,
) -> Result<(), database::Error> {
    let (status, because, again) = match next {
        Next::Delivered => ("delivered", None, None),
        Next::Again(at) => ("pending", None, Some(at)),
        Next::Dead(because) => ("dead", Some(because.as_str()), None),
    };
    let finished_at = again.is_none().then_some(now);
    let key = (endpoint.as_str(), event.as_str());
    tx.execute(SETTLE, params![key.0, key.1, status, because, again, finished_at]).map(drop)
}

/// Forgets the failures of an endpoint that works.
pub fn succeeded(tx: &Transaction, endpoint: &WebhookEndpointId) -> Result<(), database::Error> {
    tx.execute(SUCCEEDED, params![endpoint.as_str()]).map(drop)
}

/// Counts a failure of an endpoint, which is left alone for a while; answers since when there are nothing but failures.
pub fn failed(
    tx: &Transaction,
    endpoint: &WebhookEndpointId,
    now: Timestamp,
    paused_until: Timestamp,
) -> Result<Timestamp, database::Error> {
    tx.query_one(FAILED, params![endpoint.as_str(), now, paused_until])
}

/// Disables an endpoint. `false` where it was not enabled.
pub fn disable(
    tx: &Transaction,
    endpoint: &WebhookEndpointId,
    because: WebhookDisabledBecause,
    now: Timestamp,
) -> Result<bool, database::Error> {
    Ok(tx.execute(DISABLE, params![endpoint.as_str(), because.as_str(), now])? == 1)
}

/// Gives up at most `most` deliveries of an endpoint that is not enabled; answers how many.
pub fn give_up(endpoint: &WebhookEndpointId, now: Timestamp, most: i64) -> Result<u64, database::Error> {
    database::execute(GIVE_UP, params![endpoint.as_str(), now, most])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_before_signs_during_its_overlap_alone() {
        let now = Timestamp::from_seconds(100);
        let signing = |version, until: Option<i64>| {
            let due = Due {
                url: String::new(),
                secret_version: version,
                previous_secret_until: until.map(Timestamp::from_seconds),
                failures: 0,
                event_id: WebhookEventId::parse("evt_01h455vb4pex5vsknk084sn02q").unwrap(),
                attempts: 0,
                attempts_before: 0,
                payload: String::new(),
            };
            due.secrets(now).collect::<Vec<_>>()
        };
        assert_eq!(signing(1, None), [1]);
        assert_eq!(signing(2, Some(101)), [2, 1]);
        assert_eq!(signing(2, Some(100)), [2]);
        assert_eq!(signing(3, None), [3]);
        assert_eq!(signing(1, Some(101)), [1], "there is none before the first");
    }
}
