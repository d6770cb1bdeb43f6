//! From the host's calls to the functions that take events and do jobs.

use crate::bindings::{job::exports::datamp::jobs::job, subscriber::exports::datamp::messaging::subscriber};
use crate::{Event, Failure, Timestamp, failure::Fate, jobs::Task, log};

/// Takes a list of events; what [`service!`](crate::service) exports.
pub fn deliver(handler: fn(&Event) -> Result<(), Failure>, events: Vec<subscriber::Event>) -> Vec<subscriber::Outcome> {
    events.into_iter().map(|event| outcome_of_event(handler, event)).collect()
}

fn outcome_of_event(handler: fn(&Event) -> Result<(), Failure>, raw: subscriber::Event) -> subscriber::Outcome {
    let subscriber::Event { id, topic, publisher, payload, published_at, attempt } = raw;
    let event = Event { id, topic, publisher, payload, published_at: time(&published_at), attempt };
    let Err(failure) = handler(&event) else { return subscriber::Outcome::Done };
    log::warn!("an event was not taken: {}", failure; event = event.id, topic = event.topic);
    match failure.fate {
        Fate::Retry(after) => subscriber::Outcome::RetryAfter(subscriber::Retry {
            seconds: after.map(Failure::seconds),
            reason: failure.reason,
        }),
        Fate::Reject => subscriber::Outcome::Reject(failure.reason),
    }
}

/// Does one run; what [`service!`](crate::service) exports.
pub fn run(handler: fn(&Task) -> Result<(), Failure>, raw: job::Task) -> job::Outcome {
    let job::Task { name, key, scheduled_for, payload, attempt } = raw;
    let task = Task { name, key, scheduled_for: time(&scheduled_for), payload, attempt };
    let Err(failure) = handler(&task) else { return job::Outcome::Done };
    log::warn!("a job was not done: {}", failure; job = task.name);
    match failure.fate {
        Fate::Retry(after) => {
            job::Outcome::RetryAfter(job::Retry { seconds: after.map(Failure::seconds), reason: failure.reason })
        }
        Fate::Reject => job::Outcome::Reject(failure.reason),
    }
}

/// A time of the host's, which is RFC 3339.
fn time(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn event(topic: &str) -> subscriber::Event {
        subscriber::Event {
            id: "1".into(),
            topic: topic.into(),
            publisher: "p".into(),
            payload: "1".into(),
            published_at: "2026-01-31T12:00:00.000001Z".into(),
            attempt: 3,
        }
    }

    #[test]
    fn each_event_has_its_own_outcome() {
        fn handler(event: &Event) -> Result<(), Failure> {
            assert_eq!(event.published_at.to_rfc3339(), "2026-01-31T12:00:00.000001Z");
            match event.topic.as_str() {
                "later" => Err(Failure::retry("busy").after(Duration::from_millis(1))),
                "never" => Err(Failure::reject("no")),
                _ => Ok(()),
            }
        }
        let [done, later, never] = deliver(handler, ["now", "later", "never"].map(event).into()).try_into().unwrap();
        assert!(matches!(done, subscriber::Outcome::Done));
        assert!(
            matches!(later, subscriber::Outcome::RetryAfter(retry) if retry.seconds == Some(1) && retry.reason == "busy")
        );
        assert!(matches!(never, subscriber::Outcome::Reject(reason) if reason == "no"));
    }

    #[test]
    fn a_job_has_its_outcome() {
        fn handler(task: &Task) -> Result<(), Failure> {
            if task.key.is_some() { Ok(()) } else { Err(Failure::retry("soon")) }
        }
        let task = |key: Option<&str>| job::Task {
            name: "n".into(),
            key: key.map(str::to_owned),
            scheduled_for: "2026-01-31T12:00:00Z".into(),
            payload: "1".into(),
            attempt: 1,
        };
        assert!(matches!(run(handler, task(Some("k"))), job::Outcome::Done));
        assert!(matches!(run(handler, task(None)), job::Outcome::RetryAfter(retry) if retry.seconds.is_none()));
    }
}
