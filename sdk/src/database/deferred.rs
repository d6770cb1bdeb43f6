//! Events and jobs of a transaction: there exactly if it commits.

use serde::Serialize;

use super::{Error, Transaction};
use crate::{
    bindings::datamp::{database::sql, jobs::scheduler, messaging::publisher},
    jobs::{self, NewJob},
    messaging,
};

impl Transaction {
    /// Publishes an event, and answers its id. The manifest names the topic under `messaging.publishes`.
    ///
    /// [`Error::Refused`] for a topic or payload that is not taken: the transaction goes on then.
    pub fn publish<T: Serialize + ?Sized>(&self, topic: &str, payload: &T) -> Result<String, Error> {
        let ids = self.publish_events(&[messaging::new_event(topic, payload)?])?;
        Ok(ids.into_iter().next().unwrap_or_default())
    }

    /// Publishes several events of one topic in one statement: at most 100, of 4 MiB together.
    pub fn publish_all<T: Serialize>(&self, topic: &str, payloads: &[T]) -> Result<Vec<String>, Error> {
        let events =
            payloads.iter().map(|payload| messaging::new_event(topic, payload)).collect::<Result<Vec<_>, _>>()?;
        self.publish_events(&events)
    }

    fn publish_events(&self, events: &[publisher::NewEvent]) -> Result<Vec<String>, Error> {
        let published = publisher::publish_in(self.inner(), events);
        self.note_conflict(matches!(published, Err(publisher::PublishError::Database(sql::Error::Conflict))));
        published.map_err(messaging::refused)
    }

    /// Schedules a job of this component's own.
    ///
    /// [`Error::Refused`] for a name, key, time or payload that is not taken: the transaction goes on then.
    pub fn schedule(&self, job: &NewJob) -> Result<(), Error> {
        self.schedule_all(std::slice::from_ref(job))
    }

    /// Schedules several jobs in one statement: at most 100, of 4 MiB together.
    pub fn schedule_all(&self, jobs: &[NewJob]) -> Result<(), Error> {
        let raw: Vec<_> = jobs.iter().map(|job| job.0.clone()).collect();
        let scheduled = scheduler::schedule_in(self.inner(), &raw);
        self.note_conflict(matches!(scheduled, Err(scheduler::SchedulerError::Database(sql::Error::Conflict))));
        scheduled.map_err(jobs::refused)
    }

    /// Cancels a job, and answers whether it was there. One that runs already runs to its end, and is not tried again.
    pub fn cancel(&self, name: &str, key: &str) -> Result<bool, Error> {
        let cancelled = scheduler::cancel_in(self.inner(), &[jobs::job_key(name, key)]);
        self.note_conflict(matches!(cancelled, Err(scheduler::SchedulerError::Database(sql::Error::Conflict))));
        Ok(cancelled.map_err(jobs::refused)? > 0)
    }
}
