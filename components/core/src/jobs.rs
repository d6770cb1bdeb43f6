//! What core does later: its schedules, and the jobs that it puts off.

use std::time::{Duration, Instant};

use datamp_sdk::jobs::Task;
use datamp_sdk::operator::{Call, CommandError, Step};
use datamp_sdk::{Failure, Problem, Timestamp, database, log};

use crate::ledger::expiry::Expired;
use crate::{payments, top_ups, webhooks};

/// Holds that expire in one transaction: it locks their accounts, and those who pay wait for it.
const BATCH: usize = 200;

/// How long a run goes on, in a deadline of ten seconds. What is left then, the next one does.
const RUN: Duration = Duration::from_secs(5);

/// Does one run of a job.
pub fn run(task: &Task) -> Result<(), Failure> {
    match task.name.as_str() {
        "expire-holds" => expire_holds(),
        "reconcile-top-ups" => top_ups::reconciliation::run(),
        webhooks::send::JOB => webhooks::send::run(&task.json()?),
        webhooks::sweep::JOB => webhooks::sweep::run(),
        other => Err(Failure::reject(format_args!("core has no job {other:?}"))),
    }
}

/// Releases the holds whose time is over.
fn expire_holds() -> Result<(), Failure> {
    let began = Instant::now();
    let mut expired = 0;
    loop {
        let batch = expire_batch()?;
        expired += batch.count();
        if !batch.more || began.elapsed() >= RUN {
            break;
        }
    }
    if expired > 0 {
        log::info!("holds have expired"; holds = expired);
    }
    Ok(())
}

/// The same as a command, a batch in each step. One that is asked for twice finds its holds resolved.
pub fn expire_holds_step(call: &Call) -> Result<Step, CommandError> {
    let before: u64 = call.state()?.unwrap_or(0);
    let batch = expire_batch()?;
    let expired = before + u64::try_from(batch.count()).unwrap_or(u64::MAX);
    let step = if batch.more { Step::more(&expired)? } else { Step::done().line(format!("expired: {expired}")) };
    Ok(step.progress(expired, None, "holds"))
}

fn expire_batch() -> Result<Expired, Problem> {
    database::transaction(|tx| payments::expire_due(tx, Timestamp::now(), BATCH))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_there_is_not_is_a_dead_letter() {
        let task = Task {
            name: "fly".to_owned(),
            key: None,
            scheduled_for: Timestamp::from_micros(0),
            payload: "null".to_owned(),
            attempt: 1,
        };
        assert_eq!(run(&task), Err(Failure::reject("core has no job \"fly\"")));
    }
}
