//! Work at a time: on a schedule, and once, later.
//!
//! Schedules are in the manifest (`[schedules.nightly]`, `cron = "0 4 * * *"`, in UTC). Work that is put off is scheduled in a
//! transaction, so that it is there exactly if that commits. Both are done by a function that is named in
//! [`service!`](crate::service):
//!
//! ```no_run
//! use std::time::Duration;
//! use datamp_sdk::{Failure, database, jobs::{NewJob, Task}, prelude::*};
//!
//! # #[cfg(any())]
//! datamp_sdk::service!("component.toml", routes, jobs = run);
//!
//! fn run(task: &Task) -> Result<(), Failure> {
//!     match task.name.as_str() {
//!         "nightly" => sweep(),
//!         "reminder" => remind(&task.json::<String>()?),
//!         other => Err(Failure::reject(format_args!("there is no job {other:?}"))),
//!     }
//! }
//!
//! fn book(id: &str) -> Result<(), Problem> {
//!     database::transaction(|tx| {
//!         tx.execute("INSERT INTO booking (id) VALUES ($1)", params![id])?;
//!         tx.schedule(&NewJob::after(Duration::from_secs(3600), "reminder", id, id)?)
//!     })
//!     .map_err(|error: database::Error| error.into())
//! }
//! # fn sweep() -> Result<(), Failure> { Ok(()) }
//! # fn remind(_: &str) -> Result<(), Failure> { Ok(()) }
//! ```

use std::time::Duration;

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Failure, Timestamp, bindings,
    database::Error,
    messaging::{from_json, to_json},
};
use bindings::datamp::jobs::scheduler;

/// One run of a job, as the component is given it. It may come twice, after a failure in the middle of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// The job's name, or the schedule's in the manifest.
    pub name: String,
    /// The job's key; `None` for a schedule.
    pub key: Option<String>,
    /// When it was to run.
    pub scheduled_for: Timestamp,
    /// What it was given, a JSON text.
    pub payload: String,
    /// Counts the attempts at this run from 1.
    pub attempt: u32,
}

impl Task {
    /// What it was given. A payload that does not fit `T` is a [`Failure`] that rejects it.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        Ok(from_json(&self.payload)?)
    }
}

/// A job to be done once, at a time. Scheduling one whose name and key are there already replaces its time and payload.
#[derive(Clone, Debug, PartialEq)]
pub struct NewJob(pub(crate) scheduler::NewJob);

impl NewJob {
    /// At a time. `name` has 1 to 100 characters, `key` 1 to 200; the payload takes 256 KiB as JSON.
    pub fn at<T: Serialize + ?Sized>(time: Timestamp, name: &str, key: &str, payload: &T) -> Result<Self, Error> {
        Ok(Self(scheduler::NewJob {
            name: name.to_owned(),
            key: key.to_owned(),
            run_at: time.to_rfc3339(),
            payload: to_json(payload)?,
        }))
    }

    /// After a while; as [`at`](Self::at).
    pub fn after<T: Serialize + ?Sized>(delay: Duration, name: &str, key: &str, payload: &T) -> Result<Self, Error> {
        Self::at(Timestamp::now() + delay, name, key, payload)
    }
}

/// Schedules a job by itself. Within a transaction, use
/// [`Transaction::schedule`](crate::database::Transaction::schedule).
pub fn schedule(job: &NewJob) -> Result<(), Error> {
    scheduler::schedule(std::slice::from_ref(&job.0)).map_err(refused)
}

/// Cancels a job by itself, and answers whether it was there. One that runs already runs to its end, and is not tried again.
/// Within a transaction, use [`Transaction::cancel`](crate::database::Transaction::cancel).
pub fn cancel(name: &str, key: &str) -> Result<bool, Error> {
    Ok(scheduler::cancel(&[job_key(name, key)]).map_err(refused)? > 0)
}

pub(crate) fn job_key(name: &str, key: &str) -> scheduler::JobKey {
    scheduler::JobKey { name: name.to_owned(), key: key.to_owned() }
}

pub(crate) fn refused(error: scheduler::SchedulerError) -> Error {
    match error {
        scheduler::SchedulerError::Database(error) => error.into(),
        scheduler::SchedulerError::Invalid(words) | scheduler::SchedulerError::TooMany(words) => Error::Refused(words),
    }
}
