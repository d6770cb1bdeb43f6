use super::*;
use datamp_models::id;

pub(in super::super) fn staff(number: u128) -> StaffId {
    StaffId::parse(&format!("staff_{}", id::encode(number))).unwrap()
}

pub(in super::super) fn actor(number: u128) -> Actor {
    Actor { id: staff(number), name: Text::try_from(format!("Person {number}")).unwrap() }
}

pub(in super::super) fn shop(number: u128) -> ShopId {
    ShopId::parse(&format!("shop_{}", id::encode(number))).unwrap()
}

pub(in super::super) fn tr(number: u128) -> TransferId {
    TransferId::parse(&format!("tr_{}", id::encode(number))).unwrap()
}

pub(in super::super) fn op(number: u128) -> OperationId {
    OperationId::parse(&format!("op_{}", id::encode(number))).unwrap()
}

pub(in super::super) fn amount(minor_units: i64) -> Amount {
    Amount::new(minor_units).unwrap()
}

pub(in super::super) fn rub() -> Currency {
    "RUB".parse().unwrap()
}

pub(in super::super) fn credit(minor_units: i64) -> Action {
    Action::Adjustment { shop: shop(1), direction: Direction::Incoming, amount: amount(minor_units), currency: rub() }
}

pub(in super::super) fn asked(number: u128, action: Action) -> NewOperation {
    NewOperation { id: op(number), action, reason: Reason::try_from("a good reason".to_owned()).unwrap() }
}

/// An adjustment that stands so; times in microseconds.
pub(in super::super) fn operation(
    status: OperationStatus,
    requested_by: u128,
    decided_by: Option<u128>,
    expires_at: Option<i64>,
) -> Operation {
    Operation {
        status,
        decided_by: decided_by.map(staff),
        expires_at: expires_at.map(Timestamp::from_micros),
        ..Operation::new(&asked(1, credit(100)), None, &actor(requested_by), Timestamp::from_micros(0)).unwrap()
    }
}

/// A payment of the first shop.
pub(in super::super) fn original(kind: TransferKind, reversed: i64) -> Original {
    let owner = Owner::Shop(shop(1));
    Original {
        id: tr(1),
        kind,
        debit_account_id: AccountId::of(&owner, rub()),
        credit_account_id: AccountId::of(&Owner::ADVERTISING, rub()),
        debit_shop_id: Some(shop(1)),
        credit_shop_id: None,
        amount: 500,
        currency: rub(),
        code: TransferCode::Payment,
        reference: "pay_1".to_owned(),
        created_at: Timestamp::from_micros(0),
        reversal_of: None,
        reversed,
    }
}

pub(in super::super) fn actions() -> Vec<Action> {
    vec![
        credit(100),
        Action::Adjustment { shop: shop(1), direction: Direction::Outgoing, amount: amount(100), currency: rub() },
        Action::WriteOff { shop: shop(1), amount: amount(100), currency: rub() },
        Action::Reversal { of: tr(1), amount: amount(100) },
        Action::Freeze(shop(1)),
        Action::Unfreeze(shop(1)),
        Action::Close(shop(1)),
    ]
}

#[test]
fn a_reason_says_something() {
    let read = |text: &str| Reason::try_from(text.to_owned()).map(|reason| reason.as_str().to_owned());
    assert_eq!(read("  десять знаков ").as_deref(), Ok("десять знаков"));
    assert_eq!(read("0123456789").as_deref(), Ok("0123456789"));
    for wrong in ["", "too short", "         x         ", "a\u{7}long enough reason", &"x".repeat(501)] {
        assert_eq!(read(wrong), Err(InvalidReason), "{wrong:?}");
    }
    assert!(read(&"я".repeat(500)).is_ok());
}

#[test]
fn what_was_asked_for_is_kept_whole_and_told_from_anything_else() {
    let original = original(TransferKind::Posted, 0);
    let all = actions();
    for action in &all {
        let new = asked(1, action.clone());
        let kept = Operation::new(&new, Some(&original), &actor(1), Timestamp::from_micros(0)).unwrap();
        assert_eq!(kept.action().as_ref(), Some(action));
        assert!(kept.is(&new, &actor(1)) && !kept.is(&new, &actor(2)));
        for other in all.iter().filter(|other| *other != action) {
            assert!(!kept.is(&asked(1, other.clone()), &actor(1)), "{action:?} is not {other:?}");
        }
        let another_reason = Reason::try_from("another good reason".to_owned()).unwrap();
        assert!(!kept.is(&NewOperation { reason: another_reason, ..new }, &actor(1)));
    }
}

#[test]
fn an_operation_moves_money_or_changes_where_a_shop_stands() {
    let original = original(TransferKind::Posted, 0);
    let (shop, rub) = (AccountId::of(&Owner::Shop(shop(1)), rub()), rub());
    let system = |owner: &Owner| AccountId::of(owner, rub);
    let moved: Vec<_> = actions()
        .into_iter()
        .map(|action| {
            let new = asked(1, action);
            let kept = Operation::new(&new, Some(&original), &actor(1), Timestamp::from_micros(0)).unwrap();
            let posting = kept.posting(Some(&original));
            assert_eq!(posting.is_none(), kept.shop_status().is_some());
            posting.and_then(|posting| {
                let movement = posting.movement()?.clone();
                assert_eq!((movement.amount, movement.reference.as_str()), (amount(100), op(1).as_str()));
                Some((movement.debit, movement.credit, movement.code, posting.reverses().cloned()))
            })
        })
        .collect();
    let adjustments = system(&Owner::ADJUSTMENTS);
    assert_eq!(
        moved,
        [
            Some((adjustments.clone(), shop.clone(), TransferCode::Adjustment, None)),
            Some((shop.clone(), adjustments, TransferCode::Adjustment, None)),
            Some((shop.clone(), system(&Owner::WRITE_OFFS), TransferCode::WriteOff, None)),
            Some((system(&Owner::ADVERTISING), shop, TransferCode::Reversal, Some(tr(1)))),
            None,
            None,
            None,
        ]
    );
}

#[test]
fn what_moved_nothing_of_a_shop_can_not_be_taken_back() {
    assert_eq!(original(TransferKind::Posted, 0).left(), 500);
    assert_eq!(original(TransferKind::Capture, 499).left(), 1);
    for kind in [TransferKind::Hold, TransferKind::Void, TransferKind::Expiry] {
        assert_eq!((original(kind, 0).shop(), original(kind, 0).left()), (None, 0), "{kind:?}");
    }
    let went_back = Original { reversal_of: Some(tr(2)), ..original(TransferKind::Posted, 0) };
    assert_eq!((went_back.shop(), went_back.left()), (None, 0));
    let of_the_system = Original { debit_shop_id: None, ..original(TransferKind::Posted, 0) };
    assert_eq!((of_the_system.shop(), of_the_system.left()), (None, 0));
}
