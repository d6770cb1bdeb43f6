//! Calling a component for claimed work.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{Kind, claim::Item, settle::Outcome};
use crate::{
    bindings::{job, subscriber},
    engine::{CallContext, CallError},
    registry::Generation,
    telemetry::{clock::rfc3339, trace::TraceContext},
};

/// Calls the generation, and answers an outcome for each piece, in order.
pub(super) async fn run(kind: Kind, generation: &Generation, items: &[Item]) -> Vec<Outcome> {
    let call = CallContext {
        request_id: items.first().map_or("", |item| &item.id).into(),
        trace: trace(items),
        deadline: Instant::now() + generation.deadline(),
        callers: Vec::new(),
    };
    let trace = call.trace;
    let called = match (kind, items) {
        (Kind::Job, [item]) => generation.run_job(call, &task(item)).await.map(|outcome| vec![outcome.into()]),
        // Jobs are claimed one by one.
        (Kind::Job, _) => Ok(Vec::new()),
        (Kind::Event, _) => {
            let events: Vec<_> = items.iter().map(event).collect();
            generation.deliver(call, &events).await.map(|outcomes| outcomes.into_iter().map(Outcome::from).collect())
        }
    };
    let failure = match called {
        Ok(outcomes) if outcomes.len() == items.len() => return outcomes,
        Ok(outcomes) => Failure::Counted(format!(
            "{} answered {} outcomes for {} events",
            generation.name(),
            outcomes.len(),
            items.len()
        )),
        Err(error) => Failure::of(&error),
    };
    let (Failure::Counted(reason) | Failure::Uncounted(reason)) = &failure;
    tracing::warn!(trace_id = %&*trace.trace_id_hex(), "{} pieces of work ({}) were not done: {reason}", items.len(), kind.as_str());
    items.iter().map(|_| failure.outcome()).collect()
}

enum Failure {
    Counted(String),
    Uncounted(String),
}

impl Failure {
    fn of(error: &CallError) -> Self {
        match error {
            CallError::Saturated { .. } | CallError::Killed { .. } => Self::Uncounted(error.to_string()),
            _ => Self::Counted(error.to_string()),
        }
    }

    fn outcome(&self) -> Outcome {
        match self {
            Self::Counted(reason) => Outcome::Retry { after: None, reason: reason.clone() },
            Self::Uncounted(reason) => Outcome::Unserved(reason.clone()),
        }
    }
}

/// One piece of work goes on with the trace in which it was deferred; several at once are a trace of their own.
fn trace(items: &[Item]) -> TraceContext {
    match items {
        [item] => TraceContext::parse(&item.trace).map(TraceContext::child),
        _ => None,
    }
    .unwrap_or_else(TraceContext::generate)
}

fn event(item: &Item) -> subscriber::Event {
    subscriber::Event {
        id: item.key.clone(),
        topic: item.name.clone(),
        publisher: item.origin.clone(),
        payload: item.payload.clone(),
        published_at: rfc3339(item.created_at),
        attempt: item.attempts,
    }
}

fn task(item: &Item) -> job::Task {
    job::Task {
        name: item.name.clone(),
        key: (!item.key.is_empty()).then(|| item.key.clone()),
        scheduled_for: rfc3339(item.scheduled_for),
        payload: item.payload.clone(),
        attempt: item.attempts,
    }
}

fn seconds(seconds: Option<u32>) -> Option<Duration> {
    seconds.map(|seconds| Duration::from_secs(seconds.into()))
}

impl From<subscriber::Outcome> for Outcome {
    fn from(outcome: subscriber::Outcome) -> Self {
        match outcome {
            subscriber::Outcome::Done => Self::Done,
            subscriber::Outcome::RetryAfter(retry) => {
                Self::Retry { after: seconds(retry.seconds), reason: retry.reason }
            }
            subscriber::Outcome::Reject(reason) => Self::Reject(reason),
        }
    }
}

impl From<job::Outcome> for Outcome {
    fn from(outcome: job::Outcome) -> Self {
        match outcome {
            job::Outcome::Done => Self::Done,
            job::Outcome::RetryAfter(retry) => Self::Retry { after: seconds(retry.seconds), reason: retry.reason },
            job::Outcome::Reject(reason) => Self::Reject(reason),
        }
    }
}

/// How long a claim lasts: longer than any call of the generation, and what it takes to write its outcome down.
pub(super) fn lease(generation: &Arc<Generation>) -> Duration {
    generation.deadline() + Duration::from_secs(30)
}
