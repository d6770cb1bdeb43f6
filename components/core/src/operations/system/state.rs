//! The life of an operation, as a closed state machine.
//!
//! ```text
//! requested ─ approve ─▶ approved ─ execute ─▶ executed
//!     ├────── reject ──▶ rejected     └ refuse ─▶ refused
//!     └────── lapse ───▶ expired
//! ```
//!
//! What needs nobody else begins as approved.

use datamp_models::admin::StaffId;
use datamp_models::core::OperationStatus;
use datamp_sdk::Timestamp;

use super::{Operation, Refusal};

/// What happens to an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A second person said yes.
    Approve,
    /// A second person said no, or who asked took it back.
    Reject,
    /// Nobody said anything in time.
    Lapse,
    /// It was done.
    Execute,
    /// It could not be done.
    Refuse,
}

/// Where an operation stands after an event; `None` where that can't happen to it.
pub fn after(status: OperationStatus, event: Event) -> Option<OperationStatus> {
    use OperationStatus::*;
    match (status, event) {
        (Requested, Event::Approve) => Some(Approved),
        (Requested, Event::Reject) => Some(Rejected),
        (Requested, Event::Lapse) => Some(Expired),
        (Approved, Event::Execute) => Some(Executed),
        (Approved, Event::Refuse) => Some(Refused),
        (Requested, Event::Execute | Event::Refuse) => None,
        (Approved, Event::Approve | Event::Reject | Event::Lapse) => None,
        (Executed | Rejected | Expired | Refused, _) => None,
    }
}

/// What a second person says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Let it be done.
    Approve,
    /// Don't.
    Reject,
}

/// What becomes of a verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// The event happens.
    Happens(Event),
    /// The same person gave the same verdict before: what came of it is the answer.
    Repeated,
    /// It is refused, and nothing happens.
    Refused(Refusal),
    /// Its time was over, which is noted now; the verdict is refused.
    Lapsed,
}

/// Judges a verdict that `by` gives at `now`.
pub fn judge(operation: &Operation, verdict: Verdict, by: &StaffId, now: Timestamp) -> Judgement {
    let status = operation.status;
    let event = match verdict {
        Verdict::Approve => Event::Approve,
        Verdict::Reject => Event::Reject,
    };
    if after(status, event).is_none() {
        let said = match status {
            OperationStatus::Approved | OperationStatus::Executed | OperationStatus::Refused => Some(Verdict::Approve),
            OperationStatus::Rejected => Some(Verdict::Reject),
            OperationStatus::Requested | OperationStatus::Expired => None,
        };
        let repeated = said == Some(verdict) && operation.decided_by.as_ref() == Some(by);
        return if repeated { Judgement::Repeated } else { Judgement::Refused(Refusal::AlreadyDecided(status)) };
    }
    if operation.is_due(now) {
        return Judgement::Lapsed;
    }
    if verdict == Verdict::Approve && operation.requested_by == *by {
        return Judgement::Refused(Refusal::SamePerson);
    }
    Judgement::Happens(event)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operations::system::operation::tests::{operation, staff};
    use OperationStatus::*;
    use proptest::prelude::*;

    const ALL: [OperationStatus; 6] = [Requested, Approved, Executed, Rejected, Expired, Refused];
    const EVENTS: [Event; 5] = [Event::Approve, Event::Reject, Event::Lapse, Event::Execute, Event::Refuse];

    fn is_final(status: OperationStatus) -> bool {
        EVENTS.iter().all(|event| after(status, *event).is_none())
    }

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    #[test]
    fn all_but_the_first_two_are_final() {
        let last: Vec<_> = ALL.into_iter().filter(|status| is_final(*status)).collect();
        assert_eq!(last, [Executed, Rejected, Expired, Refused]);
    }

    #[test]
    fn nothing_is_executed_that_was_not_approved() {
        for status in ALL {
            assert_eq!(after(status, Event::Execute).is_some(), status == Approved, "{status:?}");
            assert_eq!(after(status, Event::Approve).is_some(), status == Requested, "{status:?}");
        }
    }

    #[test]
    fn who_asked_may_take_it_back_and_never_approve_it() {
        let waiting = operation(Requested, 1, None, Some(10));
        let judged = |verdict, by| judge(&waiting, verdict, &staff(by), at(5));
        assert_eq!(judged(Verdict::Approve, 1), Judgement::Refused(Refusal::SamePerson));
        assert_eq!(judged(Verdict::Reject, 1), Judgement::Happens(Event::Reject));
        assert_eq!(judged(Verdict::Approve, 2), Judgement::Happens(Event::Approve));
        assert_eq!(judged(Verdict::Reject, 2), Judgement::Happens(Event::Reject));
    }

    #[test]
    fn what_was_decided_is_told_before_who_asked() {
        let done = operation(Executed, 1, Some(2), Some(10));
        let judged = |verdict, by| judge(&done, verdict, &staff(by), at(5));
        assert_eq!(judged(Verdict::Approve, 1), Judgement::Refused(Refusal::AlreadyDecided(Executed)));
        assert_eq!(judged(Verdict::Approve, 3), Judgement::Refused(Refusal::AlreadyDecided(Executed)));
        assert_eq!(judged(Verdict::Reject, 2), Judgement::Refused(Refusal::AlreadyDecided(Executed)));
        assert_eq!(judged(Verdict::Approve, 2), Judgement::Repeated);
        assert_eq!(judge(&done, Verdict::Approve, &staff(2), at(99)), Judgement::Repeated, "also when it is old");
    }

    #[test]
    fn at_its_end_an_operation_lapses_whoever_says_what() {
        let waiting = operation(Requested, 1, None, Some(10));
        for (verdict, by) in [(Verdict::Approve, 2), (Verdict::Approve, 1), (Verdict::Reject, 1)] {
            assert_eq!(judge(&waiting, verdict, &staff(by), at(10)), Judgement::Lapsed);
        }
        assert_eq!(judge(&waiting, Verdict::Approve, &staff(2), at(9)), Judgement::Happens(Event::Approve));
    }

    fn verdicts() -> impl Strategy<Value = Vec<(bool, u128, i64)>> {
        prop::collection::vec((any::<bool>(), 1..4_u128, 0..20_i64), 0..12)
    }

    proptest! {
        /// Whatever is said, by whom and when: it is decided once, by another than who asked if it is executed, and in time.
        #[test]
        fn an_operation_is_decided_once_and_executed_by_a_second_person(verdicts in verdicts(), works: bool) {
            let mut one = operation(Requested, 1, None, Some(10));
            let mut decisions = 0;
            let mut clock = 0;
            for (approves, by, later) in verdicts {
                clock += later;
                let verdict = if approves { Verdict::Approve } else { Verdict::Reject };
                let before = one.clone();
                match judge(&one, verdict, &staff(by), at(clock)) {
                    Judgement::Happens(event) => {
                        decisions += 1;
                        prop_assert!(clock < 10);
                        one.status = after(one.status, event).unwrap();
                        one.decided_by = Some(staff(by));
                        if one.status == Approved {
                            one.status = after(one.status, if works { Event::Execute } else { Event::Refuse }).unwrap();
                        }
                    }
                    Judgement::Lapsed => {
                        prop_assert!(clock >= 10);
                        one.status = after(one.status, Event::Lapse).unwrap();
                    }
                    Judgement::Repeated | Judgement::Refused(_) => prop_assert_eq!(&one, &before),
                }
                prop_assert!(one.status == Requested || is_final(one.status));
            }
            prop_assert!(decisions <= 1);
            prop_assert_eq!(decisions == 1, matches!(one.status, Executed | Refused | Rejected));
            if matches!(one.status, Executed | Refused) {
                prop_assert_ne!(one.decided_by, Some(one.requested_by));
            }
        }

        #[test]
        fn no_event_leads_out_of_a_final_state(events in prop::collection::vec(prop::sample::select(EVENTS.to_vec()), 0..20)) {
            let mut status = Requested;
            for event in events {
                match after(status, event) {
                    Some(next) => {
                        prop_assert!(!is_final(status));
                        prop_assert_ne!(next, status);
                        status = next;
                    }
                    None => prop_assert!(is_final(status) || !matches!((status, event), (Requested, Event::Approve))),
                }
            }
        }
    }
}
