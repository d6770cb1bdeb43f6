//! Operations that are asked for.

use std::collections::{HashMap, HashSet};

use datamp_models::Currency;
use datamp_models::core::{OperationId, OperationStatus, ShopId, TransferId};
use datamp_sdk::database::{self, Transaction};
use datamp_sdk::{Timestamp, log};

use super::execution::{Originals, execute};
use super::operation::{Actor, NewOperation, Operation};
use super::policy::{Policy, WINDOW};
use super::state::{Event, after};
use super::{Refusal, decide, store};
use crate::audit::{self, Entry, Snapshot, Step};

/// What an element of a batch is answered with.
pub type Answer = Result<Operation, Refusal>;

/// What is known about a batch before it is decided upon.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Operations that are there already.
    pub(super) existing: HashMap<OperationId, Operation>,
    /// The shops that are there.
    pub(super) shops: HashSet<ShopId>,
    /// The transfers that are there.
    pub(super) originals: Originals,
    /// What the person who asks moved alone within the last day, in minor units.
    pub(super) alone: HashMap<Currency, i64>,
}

/// What is to be done with an element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// It is answered without doing anything.
    Answered(Answer),
    /// It is the same as an earlier element of the batch: that one's answer, unless it is another operation.
    Repeats(usize),
    /// It is new.
    New(Operation),
}

/// Asks for operations, in one transaction: those that need nobody else are executed.
pub fn request(
    by: &Actor,
    request_id: &str,
    new: &[NewOperation],
    policy: &Policy,
) -> Result<Vec<Answer>, database::Error> {
    database::transaction(|tx| {
        // Before the clock is read and anything is: what one person does alone at the same time comes one after the other.
        store::take_turns(tx, by)?;
        let now = Timestamp::now();
        let facts = facts(tx, by, new, now)?;
        let plans = plan(by, new, &facts, policy, now);
        let (mut made, entries) = carry_out(tx, by, request_id, &plans, &facts.originals, now)?;
        store::insert(tx, &made)?;
        audit::store::append(tx, &entries, now)?;
        made.reverse();
        Ok(answers(plans, made))
    })
}

fn facts(tx: &Transaction, by: &Actor, new: &[NewOperation], now: Timestamp) -> Result<Facts, database::Error> {
    let ids: Vec<&OperationId> = new.iter().map(|new| &new.id).collect();
    let shops: Vec<&ShopId> = new.iter().filter_map(|new| new.action.shop()).collect();
    let originals: Vec<&TransferId> = new.iter().filter_map(|new| new.action.reversal_of()).collect();
    Ok(Facts {
        existing: store::lock(tx, &ids)?,
        shops: store::shops(tx, &shops)?,
        originals: store::originals(tx, &originals)?,
        alone: store::alone(tx, by, now - WINDOW)?,
    })
}

/// Decides about each element; no clock, no database.
pub(super) fn plan(by: &Actor, new: &[NewOperation], facts: &Facts, policy: &Policy, now: Timestamp) -> Vec<Plan> {
    let mut alone = facts.alone.clone();
    let mut first: HashMap<&OperationId, usize> = HashMap::new();
    let mut plans: Vec<Plan> = Vec::with_capacity(new.len());
    for (place, new) in new.iter().enumerate() {
        let plan = match (facts.existing.get(&new.id), first.get(&new.id)) {
            (Some(existing), _) => Plan::Answered(same(existing, new, by)),
            (None, Some(earlier)) => match plans.get(*earlier) {
                Some(Plan::New(earlier_one)) if earlier_one.is(new, by) => Plan::Repeats(*earlier),
                Some(Plan::New(_)) => Plan::Answered(Err(Refusal::IdTaken)),
                // The earlier one was refused, so that the id is free.
                _ => admit(by, new, facts, policy, &mut alone, now),
            },
            (None, None) => admit(by, new, facts, policy, &mut alone, now),
        };
        if matches!(plan, Plan::New(_)) {
            first.insert(&new.id, place);
        }
        plans.push(plan);
    }
    plans
}

fn same(existing: &Operation, new: &NewOperation, by: &Actor) -> Answer {
    if existing.is(new, by) { Ok(existing.clone()) } else { Err(Refusal::IdTaken) }
}

fn admit(
    by: &Actor,
    new: &NewOperation,
    facts: &Facts,
    policy: &Policy,
    alone: &mut HashMap<Currency, i64>,
    now: Timestamp,
) -> Plan {
    let refused = |refusal| Plan::Answered(Err(refusal));
    if new.action.shop().is_some_and(|shop| !facts.shops.contains(shop)) {
        return refused(Refusal::ShopNotFound);
    }
    let original = match new.action.reversal_of().map(|id| facts.originals.get(id)) {
        Some(None) => return refused(Refusal::TransferNotFound),
        Some(original) => original,
        None => None,
    };
    let Some(mut operation) = Operation::new(new, original, by, now) else {
        return refused(Refusal::NotReversible);
    };
    let moves = operation.moves();
    let before = moves.and_then(|(_, currency)| alone.get(&currency).copied()).unwrap_or(0);
    if policy.needs_approval(operation.kind, moves, before) {
        operation.expires_at = Some(now + policy.lifetime.duration());
    } else {
        operation.status = OperationStatus::Approved;
        if let Some((amount, currency)) = moves {
            alone.insert(currency, before.saturating_add(amount.minor_units()));
        }
    }
    Plan::New(operation)
}

/// The new operations as they stand afterwards, and what is to be written down of them.
fn carry_out<'a>(
    tx: &Transaction,
    by: &'a Actor,
    request_id: &'a str,
    plans: &[Plan],
    originals: &Originals,
    now: Timestamp,
) -> Result<(Vec<Operation>, Vec<Entry<'a>>), database::Error> {
    let new = plans.iter().filter_map(|plan| match plan {
        Plan::New(operation) => Some(operation),
        Plan::Answered(_) | Plan::Repeats(_) => None,
    });
    let mut made: Vec<Operation> = new.cloned().collect();
    let approved: Vec<&Operation> =
        made.iter().filter(|operation| operation.status == OperationStatus::Approved).collect();
    let mut outcomes = execute(tx, &approved, originals, now)?.into_iter();
    let mut entries = Vec::with_capacity(made.len() * 2);
    for operation in &mut made {
        let actor = Some((&by.id, by.name.as_str()));
        entries.push(Entry {
            step: Step::OperationRequested,
            subject: operation.id.to_string(),
            shop: Some(operation.shop_id.clone()),
            actor,
            reason: Some(operation.reason.clone()),
            before: Snapshot::default(),
            after: Snapshot::of(operation.status),
            request_id: Some(request_id),
        });
        if operation.status == OperationStatus::Approved {
            let outcome = outcomes.next().ok_or_else(|| tx.conflict())?;
            entries.push(decide::finish(operation, outcome, actor, request_id, now)?);
        }
        log::info!("an operation was asked for"; operation.id = operation.id, operation.kind = operation.kind.as_str(), operation.status = operation.status.as_str(), staff = by.id);
    }
    Ok((made, entries))
}

/// `made`: the new operations, the last one first.
fn answers(plans: Vec<Plan>, mut made: Vec<Operation>) -> Vec<Answer> {
    let mut answers: Vec<Answer> = Vec::with_capacity(plans.len());
    for plan in plans {
        let answer = match plan {
            Plan::Answered(answer) => answer,
            Plan::Repeats(earlier) => answers.get(earlier).cloned().unwrap_or(Err(Refusal::IdTaken)),
            Plan::New(operation) => Ok(made.pop().unwrap_or(operation)),
        };
        answers.push(answer);
    }
    answers
}

/// Whether an event leads there, for what is asked for and decided at once.
pub(super) fn advance(operation: &mut Operation, event: Event) -> Result<(), database::Error> {
    let next = after(operation.status, event);
    let wrong = || database::Error::Other(format!("{event:?} of an operation that is {:?}", operation.status));
    operation.status = next.ok_or_else(wrong)?;
    Ok(())
}

#[cfg(test)]
mod tests;
