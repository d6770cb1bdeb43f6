//! The job of an endpoint: sends what is due, one delivery after the other.
//!
//! One run at a time has an endpoint to itself, by a lease in its row. A run takes what is due until it has gone on for [`GO_ON`] or
//! something failed, and puts the next run off until something is due again. Whoever makes a delivery schedules a run at once; where
//! one is under way already, that one sees the delivery, or the new run comes after it.

use std::time::{Duration, Instant};

use datamp_models::webhooks::{WebhookDeadBecause, WebhookDisabledBecause, WebhookEndpointId, WebhookEndpointStatus};
use datamp_sdk::database::{self, Transaction};
use datamp_sdk::jobs::NewJob;
use datamp_sdk::{Failure, Timestamp, crypto, http, log};

use self::store::{Due, Taken};
use super::delivery::attempt::{Answer, Finished, Next, Verdict};
use super::retry;
use super::secret::{Secret, signatures};

pub mod store;

/// The job's name. Its key is the endpoint's id, and so is what it is given.
pub const JOB: &str = "webhooks-send";

/// How long a receiver may take. The component's deadline, 10 s, has room for it and for what is written before and after.
const TIMEOUT: Duration = Duration::from_secs(7);

/// No attempt begins later than this after the run began.
const GO_ON: Duration = Duration::from_millis(1500);

/// How long an endpoint is a run's own: longer than the component's deadline, after which no run goes on.
const LEASE: Duration = Duration::from_secs(12);

/// The most deliveries that are given up in one statement.
const GIVEN_UP_AT_ONCE: i64 = 500;

/// The most jobs that are scheduled in one statement.
const SCHEDULED_AT_ONCE: usize = 100;

/// What receivers know us by.
const USER_AGENT: &str = "DataMP-Webhooks/1";

/// Schedules an endpoint's job; one that waits already has the new time.
pub fn schedule(tx: &Transaction, endpoint: &WebhookEndpointId, at: Timestamp) -> Result<(), database::Error> {
    tx.schedule(&job(endpoint, at)?)
}

/// Schedules the jobs of several endpoints.
pub fn schedule_all(tx: &Transaction, endpoints: &[WebhookEndpointId], at: Timestamp) -> Result<(), database::Error> {
    let jobs = endpoints.iter().map(|endpoint| job(endpoint, at)).collect::<Result<Vec<_>, _>>()?;
    jobs.chunks(SCHEDULED_AT_ONCE).try_for_each(|jobs| tx.schedule_all(jobs))
}

fn job(endpoint: &WebhookEndpointId, at: Timestamp) -> Result<NewJob, database::Error> {
    NewJob::at(at, JOB, endpoint.as_str(), endpoint)
}

/// One run.
pub fn run(endpoint: &WebhookEndpointId) -> Result<(), Failure> {
    let began = Instant::now();
    let taken = database::transaction(|tx| {
        let now = Timestamp::now();
        let taken = store::take(tx, endpoint, now, now + LEASE)?;
        if let Taken::Busy(until) = taken {
            // Should the run that has it not come to its end.
            schedule(tx, endpoint, until)?;
        }
        Ok::<_, database::Error>(taken)
    })?;
    match taken {
        Taken::Missing | Taken::Busy(_) => return Ok(()),
        Taken::Open { paused_until } if paused_until > Timestamp::now() => {}
        Taken::Open { .. } => send(endpoint, began)?,
        Taken::Shut => give_up(endpoint, began)?,
    }
    Ok(database::transaction(|tx| {
        if let Some(at) = store::release(tx, endpoint)? {
            schedule(tx, endpoint, at)?;
        }
        Ok::<_, database::Error>(())
    })?)
}

/// Attempts what is due, until something fails.
fn send(endpoint: &WebhookEndpointId, began: Instant) -> Result<(), Failure> {
    loop {
        let Some(due) = database::transaction(|tx| begin(tx, endpoint))? else { return Ok(()) };
        let started = Instant::now();
        let finished = match attempt(endpoint, &due) {
            Ok(response) => Finished::answered(
                Answer {
                    status: response.status(),
                    retry_after: response.header("retry-after"),
                    body: response.body(),
                },
                Timestamp::now(),
            ),
            Err(Unsent::Failed(error)) => Finished::unanswered(&error),
            Err(Unsent::NoSecret(failure)) => return Err(failure),
        };
        let took = started.elapsed();
        database::transaction(|tx| end(tx, endpoint, &due, &finished, took))?;
        if finished.verdict != Verdict::Delivered || began.elapsed() > GO_ON {
            return Ok(());
        }
    }
}

/// Chooses what is due and counts the attempt, before it is made.
fn begin(tx: &Transaction, endpoint: &WebhookEndpointId) -> Result<Option<Due>, database::Error> {
    let now = Timestamp::now();
    while let Some(mut due) = store::due(tx, endpoint, now)? {
        // Whoever made the last attempt did not live to write down how it went.
        if due.attempts - due.attempts_before >= retry::ATTEMPTS {
            store::settle(tx, endpoint, &due.event_id, Next::Dead(WebhookDeadBecause::AttemptsExhausted), now)?;
            continue;
        }
        due.attempts += 1;
        // When it is attempted again should nothing be written of this one.
        let again = now + LEASE.max(retry::delay(due.attempts - due.attempts_before, share()).unwrap_or_default());
        store::count(tx, endpoint, &due, now, again)?;
        return Ok(Some(due));
    }
    Ok(None)
}

/// Why nothing was sent.
enum Unsent {
    /// It could not be, or was not answered.
    Failed(http::Error),
    /// There is no secret to sign with: no fault of the endpoint.
    NoSecret(Failure),
}

fn attempt(endpoint: &WebhookEndpointId, due: &Due) -> Result<http::Response, Unsent> {
    let now = Timestamp::now();
    let secrets = due
        .secrets(now)
        .map(|version| Secret::of(endpoint, version))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| Unsent::NoSecret(datamp_sdk::Problem::from(error).into()))?;
    let (id, timestamp) = (due.event_id.as_str(), now.as_seconds());
    http::post(due.url.as_str())
        .header("content-type", "application/json")
        .header("user-agent", USER_AGENT)
        .header("webhook-id", id)
        .header("webhook-timestamp", timestamp.to_string())
        .header("webhook-signature", signatures(&secrets, id, timestamp, &due.payload))
        .body(due.payload.as_str())
        .timeout(TIMEOUT)
        .send()
        .map_err(Unsent::Failed)
}

/// Writes down what came of an attempt, for the delivery and for its endpoint.
fn end(
    tx: &Transaction,
    endpoint: &WebhookEndpointId,
    due: &Due,
    finished: &Finished,
    took: Duration,
) -> Result<(), database::Error> {
    let now = Timestamp::now();
    store::note(tx, endpoint, due, finished, took)?;
    let next = finished.verdict.next(due.attempts - due.attempts_before, now, share());
    store::settle(tx, endpoint, &due.event_id, next, now)?;
    let Some(pause) = finished.verdict.pause(due.failures + 1) else {
        return store::succeeded(tx, endpoint);
    };
    let failing_since = store::failed(tx, endpoint, now, now + pause)?;
    let because = match finished.verdict {
        Verdict::Gone => WebhookDisabledBecause::Gone,
        _ if now.duration_since(failing_since) >= retry::DISABLED_AFTER => WebhookDisabledBecause::Failing,
        _ => return Ok(()),
    };
    if store::disable(tx, endpoint, because, now)? {
        log::warn!("a webhook endpoint was disabled: {}", because.as_str(); webhook_endpoint.id = endpoint);
    }
    Ok(())
}

/// Gives up what is on its way to an endpoint that takes nothing any more.
fn give_up(endpoint: &WebhookEndpointId, began: Instant) -> Result<(), Failure> {
    while began.elapsed() < GO_ON {
        let given_up = store::give_up(endpoint, Timestamp::now(), GIVEN_UP_AT_ONCE)?;
        if i64::try_from(given_up).unwrap_or(0) < GIVEN_UP_AT_ONCE {
            break;
        }
    }
    Ok(())
}

/// A number from 0 to 1, by chance.
fn share() -> f64 {
    f64::from(u32::from_be_bytes(crypto::random_bytes())) / f64::from(u32::MAX)
}

/// Whether an endpoint with this status takes anything.
fn is_open(status: WebhookEndpointStatus) -> bool {
    status == WebhookEndpointStatus::Enabled
}
