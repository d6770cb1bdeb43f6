use super::*;
use crate::operations::system::operation::tests::{actor, op, operation, tr};
use OperationStatus::*;

const NOW: Timestamp = Timestamp::from_micros(5);

fn decision(number: u128, verdict: Verdict) -> Decision {
    Decision { id: op(number), verdict, comment: Some(Comment::try_from("looked at it".to_owned()).unwrap()) }
}

/// Two that wait and one that was done, all asked for by the first person; those with an even number lapsed.
fn waiting() -> HashMap<OperationId, Operation> {
    [(1, Requested, 10), (2, Requested, 5), (3, Requested, 10)]
        .into_iter()
        .map(|(number, status, expires_at)| {
            (op(number), Operation { id: op(number), ..operation(status, 1, None, Some(expires_at)) })
        })
        .collect()
}

fn judged(
    by: u128,
    decisions: &[Decision],
    operations: &mut HashMap<OperationId, Operation>,
) -> (Vec<Told>, Vec<OperationId>, Vec<Step>) {
    let by = actor(by);
    let mut entries = Vec::new();
    let (answers, approved) = judge_all(&by, "req_1", decisions, operations, &mut entries, NOW).unwrap();
    (answers, approved, entries.iter().map(|entry| entry.step).collect())
}

#[test]
fn each_element_is_judged_as_those_before_it_left_the_operations() {
    let mut operations = waiting();
    let decisions = [
        decision(1, Verdict::Approve),
        decision(2, Verdict::Approve),
        decision(9, Verdict::Approve),
        decision(3, Verdict::Reject),
        decision(1, Verdict::Approve),
        decision(1, Verdict::Reject),
    ];
    let (answers, approved, steps) = judged(2, &decisions, &mut operations);
    assert_eq!(
        answers,
        [
            Ok(()),
            Err(Refusal::AlreadyDecided(Expired)),
            Err(Refusal::OperationNotFound),
            Ok(()),
            Ok(()),
            Err(Refusal::AlreadyDecided(Approved)),
        ]
    );
    assert_eq!(approved, [op(1)], "once, though it was said twice");
    assert_eq!(steps, [Step::OperationApproved, Step::OperationExpired, Step::OperationRejected]);
    assert_eq!(operations[&op(3)].comment.as_deref(), Some("looked at it"));
    assert_eq!(operations[&op(2)].decided_by, None);

    // What is told in the end is where the operation stands then.
    let one = operations.get_mut(&op(1)).unwrap();
    finish(one, Outcome::Refused("insufficient-funds"), None, "req_1", NOW).unwrap();
    let told = told(&op(1), answers[5].clone(), &operations);
    assert_eq!(told, Err(Refusal::AlreadyDecided(Refused)));
}

#[test]
fn who_asked_approves_nothing() {
    let mut operations = waiting();
    let before = operations.clone();
    let (answers, approved, steps) = judged(1, &[decision(1, Verdict::Approve)], &mut operations);
    assert_eq!((answers, approved.len(), steps.len()), (vec![Err(Refusal::SamePerson)], 0, 0));
    assert_eq!(operations, before);
}

#[test]
fn what_is_approved_ends_as_executed_or_refused() {
    let end = |outcome| {
        let mut one = operation(Approved, 1, Some(2), Some(10));
        let entry = finish(&mut one, outcome, None, "req_1", NOW).unwrap();
        assert_eq!(entry.before.status, Some(Approved));
        assert_eq!(entry.after.status, Some(one.status));
        (one.status, one.transfer_id, one.refusal, one.resolved_at, entry.step, entry.after.refusal)
    };
    let done = Outcome::Done { transfer: Some(tr(7)), before: Snapshot::default(), after: Snapshot::default() };
    assert_eq!(end(done), (Executed, Some(tr(7)), None, Some(NOW), Step::OperationExecuted, None));
    let name = Some("debit-account-frozen".to_owned());
    let refused = end(Outcome::Refused("debit-account-frozen"));
    assert_eq!(refused, (Refused, None, name.clone(), Some(NOW), Step::OperationRefused, name));
}

#[test]
fn nothing_is_executed_that_was_not_approved() {
    for status in [Requested, Executed, Rejected, Expired, Refused] {
        let mut one = operation(status, 1, None, Some(10));
        let outcome = Outcome::Done { transfer: None, before: Snapshot::default(), after: Snapshot::default() };
        assert!(finish(&mut one, outcome, None, "req_1", NOW).is_err(), "{status:?}");
    }
}
