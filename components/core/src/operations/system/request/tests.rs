use super::*;
use crate::operations::system::operation::Reason;
use crate::operations::system::operation::tests::{actor, amount, asked, credit, op, original, rub, shop, tr};
use crate::operations::system::policy::tests::policy;
use crate::operations::system::{Action, operation::tests::operation};
use OperationStatus::*;
use datamp_models::core::TransferKind;
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::from_seconds(1);

fn facts() -> Facts {
    Facts {
        shops: HashSet::from([shop(1)]),
        originals: Originals::from([(tr(1), original(TransferKind::Posted, 0))]),
        ..Facts::default()
    }
}

fn planned(new: &[NewOperation], facts: &Facts) -> Vec<Plan> {
    plan(&actor(1), new, facts, &policy("RUB=1000"), NOW)
}

/// What each is refused with; where it is new, how it stands.
fn told(plans: &[Plan]) -> Vec<Result<OperationStatus, Refusal>> {
    plans
        .iter()
        .map(|plan| match plan {
            Plan::Answered(answer) => answer.as_ref().map(|operation| operation.status).map_err(Clone::clone),
            Plan::Repeats(earlier) => told(&plans[*earlier..=*earlier])[0].clone(),
            Plan::New(operation) => Ok(operation.status),
        })
        .collect()
}

#[test]
fn refusals_are_told_in_their_order() {
    let taken = Facts { existing: HashMap::from([(op(1), operation(Executed, 1, None, None))]), ..facts() };
    let nowhere = Action::Freeze(shop(9));
    // The id before the shop, the shop before anything about it.
    assert_eq!(told(&planned(&[asked(1, nowhere.clone())], &taken)), [Err(Refusal::IdTaken)]);
    assert_eq!(told(&planned(&[asked(2, nowhere)], &taken)), [Err(Refusal::ShopNotFound)]);
    let reversal = |number| asked(3, Action::Reversal { of: tr(number), amount: amount(1) });
    assert_eq!(told(&planned(&[reversal(9)], &taken)), [Err(Refusal::TransferNotFound)]);
    let hold = Facts { originals: Originals::from([(tr(1), original(TransferKind::Hold, 0))]), ..facts() };
    assert_eq!(told(&planned(&[reversal(1)], &hold)), [Err(Refusal::NotReversible)]);
    let mut ordered = vec![Refusal::SamePerson, Refusal::NotReversible, Refusal::ShopNotFound, Refusal::IdTaken];
    ordered.sort();
    assert_eq!(ordered, [Refusal::IdTaken, Refusal::ShopNotFound, Refusal::NotReversible, Refusal::SamePerson]);
}

#[test]
fn what_is_small_is_executed_at_once_and_what_is_large_waits() {
    let new = [asked(1, credit(1000)), asked(2, Action::Close(shop(1))), asked(3, Action::Freeze(shop(1)))];
    assert_eq!(told(&planned(&new, &facts())), [Ok(Approved), Ok(Requested), Ok(Approved)]);
    let plans = planned(&[asked(1, credit(1001))], &facts());
    let Plan::New(waiting) = &plans[0] else { panic!("{plans:?}") };
    assert_eq!((waiting.status, waiting.expires_at), (Requested, Some(Timestamp::from_seconds(1 + 604_800))));
}

#[test]
fn what_one_did_alone_today_counts() {
    let today = Facts { alone: HashMap::from([(rub(), 600)]), ..facts() };
    assert_eq!(told(&planned(&[asked(1, credit(400))], &today)), [Ok(Approved)]);
    assert_eq!(told(&planned(&[asked(1, credit(401))], &today)), [Ok(Requested)]);
    // What waits for somebody else was not done alone.
    let new = [asked(1, credit(300)), asked(2, credit(200)), asked(3, credit(100)), asked(4, credit(1))];
    assert_eq!(told(&planned(&new, &today)), [Ok(Approved), Ok(Requested), Ok(Approved), Ok(Requested)]);
}

#[test]
fn asking_again_is_one_operation_and_another_one_with_its_id_is_refused() {
    let there = operation(Executed, 1, None, None);
    let there = Facts { existing: HashMap::from([(op(1), there)]), ..facts() };
    let new = [asked(1, credit(100)), asked(1, credit(101))];
    assert_eq!(told(&planned(&new, &there)), [Ok(Executed), Err(Refusal::IdTaken)]);
    let by_another = plan(&actor(2), &new[..1], &there, &policy(""), NOW);
    assert_eq!(told(&by_another), [Err(Refusal::IdTaken)]);

    let twice = [asked(1, credit(100)), asked(1, credit(100)), asked(1, credit(5))];
    let plans = planned(&twice, &facts());
    assert!(matches!(plans[..], [Plan::New(_), Plan::Repeats(0), Plan::Answered(Err(Refusal::IdTaken))]), "{plans:?}");
    let made = Operation { status: Executed, ..operation(Approved, 1, None, None) };
    let answers = answers(plans, vec![made.clone()]);
    assert_eq!(answers, [Ok(made.clone()), Ok(made), Err(Refusal::IdTaken)]);
}

#[test]
fn an_id_that_was_refused_is_free_for_the_next() {
    let new = [asked(1, Action::Freeze(shop(9))), asked(1, Action::Freeze(shop(1)))];
    assert_eq!(told(&planned(&new, &facts())), [Err(Refusal::ShopNotFound), Ok(Approved)]);
}

fn elements() -> impl Strategy<Value = Vec<NewOperation>> {
    let action = prop_oneof![
        (1..800_i64).prop_map(credit),
        (1..600_i64).prop_map(|minor| Action::Reversal { of: tr(1), amount: amount(minor) }),
        (1..800_i64).prop_map(|minor| Action::WriteOff { shop: shop(1), amount: amount(minor), currency: rub() }),
        (1..3_u128).prop_map(|number| Action::Freeze(shop(number))),
        Just(Action::Close(shop(1))),
    ];
    let element = (1..6_u128, action, any::<bool>()).prop_map(|(number, action, other)| {
        let reason = if other { "another good reason" } else { "a good reason" };
        NewOperation { reason: Reason::try_from(reason.to_owned()).unwrap(), ..asked(number, action) }
    });
    prop::collection::vec(element, 0..25)
}

proptest! {
    /// Whatever is asked for: one operation for an id, what one person moves alone stays within the threshold, and what is final or a
    /// write-off waits.
    #[test]
    fn a_batch_makes_each_id_once_and_passes_no_threshold(new in elements(), before in 0..1500_i64) {
        let facts = Facts { alone: HashMap::from([(rub(), before)]), ..facts() };
        let plans = planned(&new, &facts);
        prop_assert_eq!(plans.len(), new.len());
        let made: Vec<&Operation> = plans.iter().filter_map(|plan| match plan {
            Plan::New(operation) => Some(operation),
            _ => None,
        }).collect();
        let ids: HashSet<_> = made.iter().map(|operation| &operation.id).collect();
        prop_assert_eq!(ids.len(), made.len());
        let alone: i64 = made.iter().filter(|one| one.status == Approved)
            .filter_map(|one| one.amount).map(|amount| amount.minor_units()).sum();
        prop_assert!(alone == 0 || before + alone <= 1000);
        for one in made {
            prop_assert_eq!(one.status == Requested, one.expires_at.is_some());
            let always = one.kind == datamp_models::core::OperationKind::Close || one.kind == datamp_models::core::OperationKind::WriteOff;
            prop_assert!(!always || one.status == Requested);
        }
    }
}
