use super::super::account::Totals;
use super::super::posting::Movement;
use super::*;
use datamp_models::core::{AccountStatus, Owner, ShopId, TransferCode};
use datamp_models::money::{MAX_AMOUNT, MAX_TOTAL};
use datamp_models::{Amount, Currency, id};

pub(in super::super) mod history;
mod precedence;

pub(in super::super) fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

pub(in super::super) fn rub() -> Currency {
    "RUB".parse().unwrap()
}

pub(in super::super) fn shop(number: u128) -> Owner {
    Owner::Shop(ShopId::parse(&format!("shop_{}", id::encode(number))).unwrap())
}

pub(in super::super) fn tr(number: u128) -> TransferId {
    TransferId::parse(&format!("tr_{}", id::encode(number))).unwrap()
}

pub(in super::super) fn account(owner: &Owner) -> Account {
    Account {
        id: AccountId::of(owner, rub()),
        kind: owner.kind(),
        currency: rub(),
        status: AccountStatus::Active,
        totals: Totals::default(),
        chain_head: None,
        posted_at: at(0),
    }
}

pub(in super::super) fn amount(minor_units: i64) -> Amount {
    Amount::new(minor_units).unwrap()
}

pub(in super::super) fn movement(debit: &Owner, credit: &Owner, minor_units: i64) -> Movement {
    Movement::between(debit, credit, amount(minor_units), rub(), TransferCode::Payment, "pay_1")
}

fn posting(debit: &Owner, credit: &Owner, amount: i64) -> Posting {
    Posting::of(movement(debit, credit, amount))
}

/// A payment of the first shop.
fn pay(amount: i64) -> Posting {
    posting(&shop(1), &Owner::ADVERTISING, amount)
}

/// A hold of the first shop, by a number.
fn hold(number: u128, amount: i64) -> Posting {
    Posting::hold(movement(&shop(1), &Owner::ADVERTISING, amount), None).with_id(tr(number))
}

/// Ids far from those that tests choose.
pub(in super::super) fn ids() -> impl FnMut() -> TransferId {
    let mut count = 1 << 100;
    move || {
        count += 1;
        tr(count)
    }
}

fn post(book: &mut Book, postings: &[Posting]) -> Vec<Answer> {
    book.post_all(postings, at(1_000), ids())
}

/// Posts, and tells the refusals.
fn refusals(book: &mut Book, postings: &[Posting]) -> Vec<Option<Refusal>> {
    post(book, postings).into_iter().map(Result::err).collect()
}

/// A book with a shop that owns `owned`, and the system's accounts.
fn book(owned: i64) -> Book {
    let accounts = [account(&Owner::SANDBOX), account(&Owner::ADVERTISING), account(&shop(1)), account(&shop(2))];
    let mut book = Book::new(accounts, []);
    if owned > 0 {
        post(&mut book, &[posting(&Owner::SANDBOX, &shop(1), owned)]).remove(0).unwrap();
    }
    book
}

fn totals(book: &Book, owner: &Owner) -> Totals {
    book.accounts[&AccountId::of(owner, rub())].totals
}

fn balance(book: &Book, owner: &Owner) -> i64 {
    totals(book, owner).balance()
}

/// What a chain that fails must not change.
fn state(book: &Book) -> String {
    let mut known: Vec<_> = book.known.values().collect();
    known.sort_by(|a, b| a.transfer.id.cmp(&b.transfer.id));
    format!("{:?} {known:?} {:?}", book.accounts, book.changed)
}

#[test]
fn a_transfer_moves_its_amount_from_debit_to_credit() {
    let mut book = book(100);
    let answer = post(&mut book, &[pay(30)]).remove(0).unwrap();
    let transfer = answer.made().unwrap();
    assert_eq!((transfer.debit_after.balance, transfer.credit_after.balance), (70, 30));
    assert_eq!(balance(&book, &shop(1)), 70);
    assert_eq!(balance(&book, &Owner::ADVERTISING), 30);
    assert_eq!(balance(&book, &Owner::SANDBOX), -100);
}

#[test]
fn elements_see_those_before_them_and_a_refused_one_leaves_nothing() {
    let mut book = book(100);
    let refused = refusals(&mut book, &[pay(60), pay(50), pay(40), pay(1)]);
    assert_eq!(refused, [None, Some(Refusal::InsufficientFunds), None, Some(Refusal::InsufficientFunds)]);
    assert_eq!(balance(&book, &shop(1)), 0);
}

#[test]
fn what_is_held_can_be_neither_spent_nor_held_again_and_is_not_the_receivers_yet() {
    let mut book = book(100);
    let refused = refusals(&mut book, &[hold(1, 40), pay(61), hold(2, 61), pay(60), pay(1)]);
    let short = Some(Refusal::InsufficientFunds);
    assert_eq!(refused, [None, short, short, None, short]);
    let expected = Totals { debits_posted: 60, credits_posted: 100, debits_pending: 40, credits_pending: 0 };
    assert_eq!(totals(&book, &shop(1)), expected);
    assert_eq!(totals(&book, &Owner::ADVERTISING).credits_pending, 40);
    assert_eq!(balance(&book, &Owner::ADVERTISING), 60);
}

#[test]
fn a_capture_moves_its_amount_and_releases_the_rest() {
    let mut book = book(100);
    assert_eq!(refusals(&mut book, &[hold(1, 40), Posting::capture(tr(1), Some(amount(15)))]), [None, None]);
    let expected = Totals { debits_posted: 15, credits_posted: 100, debits_pending: 0, credits_pending: 0 };
    assert_eq!(totals(&book, &shop(1)), expected);
    assert_eq!(totals(&book, &Owner::ADVERTISING).credits_pending, 0);
    assert_eq!(balance(&book, &Owner::ADVERTISING), 15);

    let answers = post(&mut book, &[hold(2, 85), Posting::capture(tr(2), None)]);
    let capture = answers[1].as_ref().unwrap().transfer();
    assert_eq!(
        (capture.kind, capture.amount, capture.pending_id.as_ref()),
        (TransferKind::Capture, amount(85), Some(&tr(2)))
    );
    assert_eq!((capture.code, capture.reference.as_str()), (TransferCode::Payment, "pay_1"));
    assert_eq!(balance(&book, &shop(1)), 0);
}

#[test]
fn a_void_releases_all() {
    let mut book = book(100);
    assert_eq!(refusals(&mut book, &[hold(1, 100), Posting::void(tr(1)), pay(100)]), [None, None, None]);
    assert_eq!(totals(&book, &shop(1)).debits_pending, 0);
}

#[test]
fn a_hold_is_resolved_once() {
    let part = |hold| Posting::capture(tr(hold), Some(amount(1)));
    let mut book = book(100);
    let batch = [hold(1, 10), part(1), part(1), Posting::void(tr(1)), Posting::expiry(tr(1))];
    let captured = Some(Refusal::HoldAlreadyCaptured);
    assert_eq!(refusals(&mut book, &batch), [None, None, captured, captured, captured]);
    let batch = [hold(2, 10), Posting::void(tr(2)), part(2), Posting::void(tr(2)), Posting::expiry(tr(2))];
    let voided = Some(Refusal::HoldAlreadyVoided);
    assert_eq!(refusals(&mut book, &batch), [None, None, voided, voided, voided]);
    assert_eq!(balance(&book, &shop(1)), 99);
}

#[test]
fn a_hold_that_was_refused_can_not_be_captured() {
    let mut book = book(100);
    let refused = refusals(&mut book, &[hold(1, 101), Posting::capture(tr(1), None)]);
    assert_eq!(refused, [Some(Refusal::InsufficientFunds), Some(Refusal::HoldNotFound)]);
}

#[test]
fn a_hold_expires_at_its_time_and_not_before() {
    let until = |number, micros| {
        Posting::hold(movement(&shop(1), &Owner::ADVERTISING, 10), Some(at(micros))).with_id(tr(number))
    };
    let mut book = book(100);
    assert_eq!(
        refusals(&mut book, &[until(1, 900), until(1, 2_000), until(2, 2_000), until(3, 9_000)])[0],
        Some(Refusal::ExpiryPassed)
    );
    let early = book.post_all(&[Posting::expiry(tr(1))], at(1_500), ids());
    assert_eq!(early, [Err(Refusal::HoldNotDue)]);
    let late = [
        Posting::capture(tr(1), None),
        Posting::void(tr(1)),
        Posting::expiry(tr(1)),
        Posting::expiry(tr(1)),
        Posting::void(tr(1)),
        Posting::expiry(tr(3)),
        Posting::capture(tr(3), None),
    ];
    let answers: Vec<_> = book.post_all(&late, at(2_000), ids()).into_iter().map(Result::err).collect();
    use Refusal::{HoldAlreadyExpired, HoldExpired, HoldNotDue};
    assert_eq!(
        answers,
        [
            Some(HoldExpired),
            Some(HoldExpired),
            None,
            Some(HoldAlreadyExpired),
            Some(HoldAlreadyExpired),
            Some(HoldNotDue),
            None
        ]
    );
    assert_eq!(totals(&book, &shop(1)).debits_pending, 10);
    // A hold without an end never expires.
    assert_eq!(refusals(&mut book, &[hold(4, 1), Posting::expiry(tr(4))]), [None, Some(Refusal::HoldNotDue)]);
}

#[test]
fn what_is_held_is_freed_whatever_the_accounts_standing_and_captured_only_from_an_open_one() {
    for status in [AccountStatus::Frozen, AccountStatus::Closed] {
        let mut book = book(100);
        post(&mut book, &[hold(1, 10)]);
        book.accounts.get_mut(&AccountId::of(&shop(1), rub())).unwrap().status = status;
        assert!(post(&mut book, &[Posting::capture(tr(1), None)])[0].is_err());
        assert_eq!(refusals(&mut book, &[Posting::void(tr(1))]), [None]);
    }
}

#[test]
fn the_same_posting_with_the_same_id_has_one_effect() {
    let mut book = book(100);
    let named = pay(30).with_id(tr(1));
    let answers = post(&mut book, &[named.clone(), named.clone()]);
    let made = answers[0].as_ref().unwrap().made().unwrap();
    assert_eq!(answers[1], Ok(Posted::Existed(made.clone())));
    assert_eq!(balance(&book, &shop(1)), 70);
    // A refused one left its id free.
    let refused = refusals(&mut book, &[pay(71).with_id(tr(2)), pay(70).with_id(tr(2))]);
    assert_eq!(refused, [Some(Refusal::InsufficientFunds), None]);
    // What is there already is no reason to refuse: the account is empty now, and could be closed.
    assert!(matches!(post(&mut book, &[named])[0], Ok(Posted::Existed(_))));
}

#[test]
fn resolving_again_with_the_same_id_is_no_second_resolution() {
    let mut book = book(100);
    let capture = |part: Option<i64>| Posting::capture(tr(1), part.map(amount)).with_id(tr(2));
    let answers = post(&mut book, &[hold(1, 40), capture(None), capture(None), capture(Some(40)), capture(Some(39))]);
    assert!(matches!(answers[2], Ok(Posted::Existed(_))) && matches!(answers[3], Ok(Posted::Existed(_))));
    assert_eq!(answers[4], Err(Refusal::ExistsWithDifferentAmount));
    let void = [hold(3, 10), Posting::void(tr(3)).with_id(tr(4)), Posting::void(tr(3)).with_id(tr(4))];
    assert!(matches!(post(&mut book, &void)[2], Ok(Posted::Existed(_))));
}

#[test]
fn a_correction_goes_back_and_never_beyond_what_was_moved() {
    let mut book = book(100);
    let back = |amount| Posting::reversal(tr(1), movement(&Owner::ADVERTISING, &shop(1), amount));
    let batch = [pay(50).with_id(tr(1)), back(30), back(21), back(20), back(1)];
    let exceeds = Some(Refusal::ExceedsReversible);
    assert_eq!(refusals(&mut book, &batch), [None, None, exceeds, None, exceeds]);
    assert_eq!(balance(&book, &shop(1)), 100);
    // Of a capture, what was captured.
    let of_capture = |amount| Posting::reversal(tr(3), movement(&Owner::ADVERTISING, &shop(1), amount));
    let capture = Posting::capture(tr(2), Some(amount(10))).with_id(tr(3));
    assert_eq!(
        refusals(&mut book, &[hold(2, 40), capture, of_capture(11), of_capture(10)]),
        [None, None, exceeds, None]
    );
}

#[test]
fn linked_postings_fail_together_and_each_says_why() {
    let mut book = book(100);
    let before = state(&book);
    let failed = Some(Refusal::LinkedTransferFailed);
    let chain = [pay(60).linked(), hold(1, 10).linked(), pay(50).linked(), pay(1)];
    assert_eq!(refusals(&mut book, &chain), [failed, failed, Some(Refusal::InsufficientFunds), failed]);
    assert_eq!(state(&book), before);
    assert_eq!(book.changed().count(), 2, "by the first top-up, and by nothing after it");

    // Those before and after are not of the chain.
    let batch = [pay(10), pay(60).linked(), pay(50), pay(20), pay(30).linked(), pay(40)];
    assert_eq!(refusals(&mut book, &batch), [None, failed, Some(Refusal::InsufficientFunds), None, None, None]);
    assert_eq!(balance(&book, &shop(1)), 0);
}

#[test]
fn a_chain_that_fails_leaves_holds_and_corrections_as_they_were() {
    let mut book = book(100);
    post(&mut book, &[hold(1, 10), pay(50).with_id(tr(2))]);
    let before = state(&book);
    let back = Posting::reversal(tr(2), movement(&Owner::ADVERTISING, &shop(1), 50));
    let chain = [
        Posting::capture(tr(1), None).linked(),
        back.clone().linked(),
        hold(3, 20).linked(),
        Posting::void(tr(3)).linked(),
        pay(1_000),
    ];
    assert!(post(&mut book, &chain).iter().all(Result::is_err));
    assert_eq!(state(&book), before);
    assert_eq!(refusals(&mut book, &[Posting::capture(tr(1), None), back]), [None, None]);
}

#[test]
fn a_chain_without_an_end_fails() {
    let mut book = book(100);
    let before = state(&book);
    let failed = Some(Refusal::LinkedTransferFailed);
    let open = Some(Refusal::LinkedChainOpen);
    assert_eq!(refusals(&mut book, &[pay(1).linked(), pay(2).linked()]), [failed, open]);
    assert_eq!(refusals(&mut book, &[pay(1).linked()]), [open]);
    assert_eq!(refusals(&mut book, &[pay(101).linked(), pay(2).linked()]), [Some(Refusal::InsufficientFunds), open]);
    assert_eq!(state(&book), before);
}

#[test]
fn a_chain_asked_for_again_has_one_effect_and_a_part_of_it_is_another_chain() {
    let mut book = book(100);
    let (first, second, third) = (pay(1).with_id(tr(1)), pay(2).with_id(tr(2)), pay(3).with_id(tr(3)));
    let chain = [first.clone().linked(), second.clone()];
    assert_eq!(refusals(&mut book, &chain), [None, None]);
    let before = state(&book);
    assert!(post(&mut book, &chain).iter().all(|answer| matches!(answer, Ok(Posted::Existed(_)))));
    let failed = Some(Refusal::LinkedTransferFailed);
    assert_eq!(refusals(&mut book, &[third.linked(), second.clone()]), [failed, Some(Refusal::Exists)]);
    let other = pay(3).with_id(tr(2));
    let different = Some(Refusal::ExistsWithDifferentAmount);
    assert_eq!(refusals(&mut book, &[first.linked(), other]), [Some(Refusal::Exists), failed]);
    assert_eq!(refusals(&mut book, &[pay(3).linked(), pay(3).with_id(tr(2))]), [failed, different]);
    assert_eq!(state(&book), before);
}

#[test]
fn times_of_an_account_strictly_increase_even_when_the_clock_goes_back() {
    let mut book = book(100);
    let first = book.post_all(&[pay(1), pay(1)], at(5_000), ids());
    let later = book.post_all(&[pay(1)], at(10), ids());
    let times: Vec<_> =
        first.iter().chain(&later).map(|answer| answer.as_ref().unwrap().transfer().created_at).collect();
    assert_eq!(times, [at(5_000), at(5_001), at(5_002)]);
}

#[test]
fn only_accounts_that_took_part_are_changed() {
    let mut book = Book::new(book(100).accounts.into_values(), []);
    post(&mut book, &[posting(&shop(2), &Owner::ADVERTISING, 1)]);
    assert_eq!(book.changed().count(), 0);
    post(&mut book, &[pay(1), pay(1)]);
    assert_eq!(book.changed().count(), 2);
}

#[test]
fn totals_stay_in_range_with_what_is_held() {
    let (mut full, mut empty) = (account(&Owner::SANDBOX), account(&Owner::ADVERTISING));
    full.totals.debits_posted = MAX_TOTAL - 1;
    empty.totals.credits_posted = MAX_TOTAL - 3;
    let mut book = Book::new([full, empty], []);
    let give = |amount| posting(&Owner::SANDBOX, &Owner::ADVERTISING, amount);
    let batch = [
        give(2),
        Posting::hold(movement(&Owner::SANDBOX, &Owner::ADVERTISING, 2), None),
        Posting::hold(movement(&Owner::SANDBOX, &Owner::ADVERTISING, 1), None).with_id(tr(1)),
        give(1),
        Posting::capture(tr(1), None),
        posting(&Owner::ADVERTISING, &Owner::SANDBOX, MAX_AMOUNT),
        give(1),
    ];
    let full = Some(Refusal::DebitTotalExceeded);
    assert_eq!(refusals(&mut book, &batch), [full, full, None, full, None, None, full]);
    let mut other = account(&shop(1));
    other.totals.credits_posted = 10;
    let mut book = Book::new([other, book.accounts[&AccountId::of(&Owner::ADVERTISING, rub())].clone()], []);
    assert_eq!(post(&mut book, &[pay(3)]), [Err(Refusal::CreditTotalExceeded)]);
}
