//! Operations that are decided by a second person.

use std::collections::{HashMap, HashSet};

use datamp_models::admin::StaffId;
use datamp_models::core::{OperationId, OperationStatus, TransferId};
use datamp_sdk::database::{self, Transaction};
use datamp_sdk::{Timestamp, log};

use super::execution::{Outcome, execute};
use super::operation::{Actor, Comment, Operation};
use super::request::{Answer, advance};
use super::state::{Event, Judgement, Verdict, judge};
use super::{Refusal, store};
use crate::audit::{self, Entry, Snapshot, Step};

/// What is said about an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The operation.
    pub id: OperationId,
    /// Yes or no.
    pub verdict: Verdict,
    /// Why.
    pub comment: Option<Comment>,
}

/// Decides about operations, in one transaction; those that are approved are executed in it.
///
/// The operations are locked first, in the order of their ids, and read as the locks are had: who decides at the same time comes before
/// or after, and then sees what was decided.
pub fn decide(by: &Actor, request_id: &str, decisions: &[Decision]) -> Result<Vec<Answer>, database::Error> {
    database::transaction(|tx| {
        let ids: Vec<&OperationId> = decisions.iter().map(|decision| &decision.id).collect();
        let mut operations = store::lock(tx, &ids)?;
        let now = Timestamp::now();
        let mut entries = Vec::new();
        let (answers, approved) = judge_all(by, request_id, decisions, &mut operations, &mut entries, now)?;
        execute_all(tx, by, request_id, &approved, &mut operations, &mut entries, now)?;
        let stepped: HashSet<&str> = entries.iter().map(|entry| entry.subject.as_str()).collect();
        let changed: Vec<&Operation> =
            operations.values().filter(|operation| stepped.contains(operation.id.as_str())).collect();
        store::update(tx, &changed)?;
        audit::store::append(tx, &entries, now)?;
        Ok(decisions.iter().zip(answers).map(|(decision, answer)| told(&decision.id, answer, &operations)).collect())
    })
}

/// Whether an element is answered with the operation, as it stands once all is done, or why not.
type Told = Result<(), Refusal>;

/// Judges each in turn, as those before it left the operations; answers also those that are to be executed, in their order.
fn judge_all<'a>(
    by: &'a Actor,
    request_id: &'a str,
    decisions: &[Decision],
    operations: &mut HashMap<OperationId, Operation>,
    entries: &mut Vec<Entry<'a>>,
    now: Timestamp,
) -> Result<(Vec<Told>, Vec<OperationId>), database::Error> {
    let mut approved = Vec::new();
    let mut answers = Vec::with_capacity(decisions.len());
    for decision in decisions {
        let Some(operation) = operations.get_mut(&decision.id) else {
            answers.push(Err(Refusal::OperationNotFound));
            continue;
        };
        let answer = match judge(operation, decision.verdict, &by.id, now) {
            Judgement::Repeated => Ok(()),
            Judgement::Refused(refusal) => Err(refusal),
            Judgement::Lapsed => {
                entries.push(lapse(operation, Some(request_id), now)?);
                Err(Refusal::AlreadyDecided(operation.status))
            }
            Judgement::Happens(event) => {
                entries.push(happen(operation, event, decision, by, request_id, now)?);
                if operation.status == OperationStatus::Approved {
                    approved.push(decision.id.clone());
                }
                Ok(())
            }
        };
        answers.push(answer);
    }
    Ok((answers, approved))
}

fn told(id: &OperationId, answer: Told, operations: &HashMap<OperationId, Operation>) -> Answer {
    let operation = operations.get(id).ok_or(Refusal::OperationNotFound)?;
    match answer {
        Ok(()) => Ok(operation.clone()),
        // Of two verdicts of one batch about one operation, the second one met it before it was executed.
        Err(Refusal::AlreadyDecided(_)) => Err(Refusal::AlreadyDecided(operation.status)),
        Err(refusal) => Err(refusal),
    }
}

fn happen<'a>(
    operation: &mut Operation,
    event: Event,
    decision: &Decision,
    by: &'a Actor,
    request_id: &'a str,
    now: Timestamp,
) -> Result<Entry<'a>, database::Error> {
    let before = Snapshot::of(operation.status);
    advance(operation, event)?;
    let comment = decision.comment.clone().map(String::from);
    operation.decided_by = Some(by.id.clone());
    operation.decided_by_name = Some(by.name.as_str().to_owned());
    operation.comment.clone_from(&comment);
    operation.resolved_at = Some(now);
    log::info!("an operation was decided"; operation.id = operation.id, operation.status = operation.status.as_str(), staff = by.id);
    let step =
        if operation.status == OperationStatus::Approved { Step::OperationApproved } else { Step::OperationRejected };
    Ok(Entry {
        step,
        subject: operation.id.to_string(),
        shop: Some(operation.shop_id.clone()),
        actor: Some((&by.id, by.name.as_str())),
        reason: comment,
        before,
        after: Snapshot::of(operation.status),
        request_id: Some(request_id),
    })
}

/// Notes that nobody decided in time.
pub(super) fn lapse<'a>(
    operation: &mut Operation,
    request_id: Option<&'a str>,
    now: Timestamp,
) -> Result<Entry<'a>, database::Error> {
    let before = Snapshot::of(operation.status);
    advance(operation, Event::Lapse)?;
    operation.resolved_at = Some(now);
    Ok(Entry {
        step: Step::OperationExpired,
        subject: operation.id.to_string(),
        shop: Some(operation.shop_id.clone()),
        actor: None,
        reason: None,
        before,
        after: Snapshot::of(operation.status),
        request_id,
    })
}

fn execute_all<'a>(
    tx: &Transaction,
    by: &'a Actor,
    request_id: &'a str,
    approved: &[OperationId],
    operations: &mut HashMap<OperationId, Operation>,
    entries: &mut Vec<Entry<'a>>,
    now: Timestamp,
) -> Result<(), database::Error> {
    let to_execute: Vec<&Operation> = approved.iter().filter_map(|id| operations.get(id)).collect();
    let reversed: Vec<&TransferId> = to_execute.iter().filter_map(|operation| operation.reversal_of.as_ref()).collect();
    let originals = store::originals(tx, &reversed)?;
    let outcomes = execute(tx, &to_execute, &originals, now)?;
    for (id, outcome) in approved.iter().zip(outcomes) {
        if let Some(operation) = operations.get_mut(id) {
            entries.push(finish(operation, outcome, Some((&by.id, by.name.as_str())), request_id, now)?);
        }
    }
    Ok(())
}

/// An approved operation as its execution leaves it, and what is to be written down of it.
pub(super) fn finish<'a>(
    operation: &mut Operation,
    outcome: Outcome,
    actor: Option<(&'a StaffId, &'a str)>,
    request_id: &'a str,
    now: Timestamp,
) -> Result<Entry<'a>, database::Error> {
    let status = Some(operation.status);
    let (event, step, before, after) = match outcome {
        Outcome::Done { transfer, before, after } => {
            operation.transfer_id = transfer;
            (Event::Execute, Step::OperationExecuted, before, after)
        }
        Outcome::Refused(refusal) => {
            operation.refusal = Some(refusal.to_owned());
            let after = Snapshot { refusal: Some(refusal.to_owned()), ..Snapshot::default() };
            (Event::Refuse, Step::OperationRefused, Snapshot::default(), after)
        }
    };
    advance(operation, event)?;
    operation.resolved_at = Some(now);
    Ok(Entry {
        step,
        subject: operation.id.to_string(),
        shop: Some(operation.shop_id.clone()),
        actor,
        reason: None,
        before: Snapshot { status, ..before },
        after: Snapshot { status: Some(operation.status), ..after },
        request_id: Some(request_id),
    })
}

#[cfg(test)]
mod tests;
