//! Every refusal, and which of several is answered.

use std::collections::BTreeSet;

use super::super::super::posting::Action;
use super::*;

const MANY: i64 = MAX_AMOUNT;

/// A book in which the first shop has nothing, with accounts standing so and full.
fn with(debit: AccountStatus, credit: AccountStatus) -> Book {
    let (mut from, mut to) = (account(&shop(1)), account(&Owner::ADVERTISING));
    (from.status, to.status) = (debit, credit);
    (from.totals.debits_posted, from.totals.credits_posted) = (MAX_TOTAL, MAX_TOTAL);
    to.totals.credits_posted = MAX_TOTAL;
    Book::new([from, to], [])
}

/// The same, with transfers that there are: 1 a payment of 5, 2 to 4 holds of 5 that were captured, voided and expired,
/// 5 a hold without an end, 6 a hold that ended.
fn past(debit: AccountStatus, credit: AccountStatus) -> Book {
    let mut before = book(100);
    let ending =
        |number| Posting::hold(movement(&shop(1), &Owner::ADVERTISING, 5), Some(at(1_500))).with_id(tr(number));
    let batch = [pay(5).with_id(tr(1)), hold(2, 5), hold(3, 5), ending(4), hold(5, 5), ending(6)];
    assert!(post(&mut before, &batch).iter().all(Result::is_ok));
    let resolutions = [Posting::capture(tr(2), None), Posting::void(tr(3))];
    assert!(post(&mut before, &resolutions).iter().all(Result::is_ok));
    before.post_all(&[Posting::expiry(tr(4))], at(1_600), ids()).remove(0).unwrap();
    Book::new(with(debit, credit).accounts.into_values(), before.known.into_values())
}

fn closed() -> Book {
    past(AccountStatus::Closed, AccountStatus::Closed)
}

fn in_usd(mut posting: Posting) -> Posting {
    if let Action::Post { movement, .. } | Action::Hold { movement, .. } = &mut posting.action {
        movement.currency = "USD".parse().unwrap();
    }
    posting
}

fn reversal(of: u128, debit: &Owner, credit: &Owner, amount: i64) -> Posting {
    Posting::reversal(tr(of), movement(debit, credit, amount))
}

fn capture(hold: u128, minor_units: i64) -> Posting {
    Posting::capture(tr(hold), Some(amount(minor_units)))
}

/// Each case breaks its own rule, and as many of those after it as can be broken together.
fn cases() -> Vec<(Book, Posting, Refusal)> {
    use AccountStatus::{Active, Closed, Frozen};
    let ads = Owner::ADVERTISING;
    let to_ads = |amount| movement(&shop(1), &ads, amount);
    let of_pay_2 = |amount| Movement { reference: "pay_2".to_owned(), ..to_ads(amount) };
    let ended = |amount| Posting::hold(to_ads(amount), Some(at(1)));
    let mut in_other_currency = closed();
    in_other_currency.accounts.get_mut(&AccountId::of(&shop(1), rub())).unwrap().currency = "USD".parse().unwrap();
    let without_accounts = || Book::new([], closed().known.into_values());
    let mut reversed = past(Active, Active);
    reversed.known.get_mut(&tr(1)).unwrap().reversed = 3;
    let as_refund = Posting::of(Movement { code: TransferCode::Refund, ..of_pay_2(5) });
    vec![
        // Another transfer has the id.
        (closed(), capture(2, MANY).with_id(tr(1)), Refusal::ExistsWithDifferentKind),
        (closed(), hold(1, MANY), Refusal::ExistsWithDifferentKind),
        (closed(), posting(&shop(2), &shop(2), MANY).with_id(tr(1)), Refusal::ExistsWithDifferentDebitAccount),
        (closed(), posting(&shop(1), &shop(2), MANY).with_id(tr(1)), Refusal::ExistsWithDifferentCreditAccount),
        (closed(), in_usd(pay(MANY)).with_id(tr(1)), Refusal::ExistsWithDifferentAmount),
        (closed(), in_usd(as_refund.clone()).with_id(tr(1)), Refusal::ExistsWithDifferentCurrency),
        (closed(), as_refund.with_id(tr(1)), Refusal::ExistsWithDifferentCode),
        (closed(), Posting::hold(of_pay_2(5), None).with_id(tr(6)), Refusal::ExistsWithDifferentReference),
        (closed(), Posting::hold(to_ads(5), Some(at(1_501))).with_id(tr(6)), Refusal::ExistsWithDifferentExpiry),
        (closed(), reversal(99, &shop(1), &ads, 5).with_id(tr(1)), Refusal::ExistsWithDifferentReversal),
        // Moving at once, and holding.
        (with(Closed, Closed), in_usd(reversal(99, &shop(3), &shop(3), MANY)), Refusal::AccountsMustDiffer),
        (with(Closed, Closed), in_usd(reversal(99, &shop(3), &shop(4), MANY)), Refusal::DebitAccountNotFound),
        (with(Closed, Closed), in_usd(reversal(99, &shop(1), &shop(4), MANY)), Refusal::CreditAccountNotFound),
        (with(Closed, Closed), in_usd(reversal(99, &shop(1), &ads, MANY)), Refusal::CurrencyMismatch),
        (with(Closed, Closed), in_usd(pay(MANY)), Refusal::CurrencyMismatch),
        (with(Closed, Closed), pay(MANY), Refusal::DebitAccountClosed),
        (with(Frozen, Closed), pay(MANY), Refusal::CreditAccountClosed),
        (with(Frozen, Frozen), pay(MANY), Refusal::DebitAccountFrozen),
        (with(Active, Frozen), pay(MANY), Refusal::InsufficientFunds),
        (with(Closed, Closed), ended(MANY), Refusal::DebitAccountClosed),
        (with(Frozen, Closed), ended(MANY), Refusal::CreditAccountClosed),
        (with(Frozen, Frozen), ended(MANY), Refusal::DebitAccountFrozen),
        (with(Active, Frozen), ended(MANY), Refusal::ExpiryPassed),
        (with(Active, Frozen), Posting::hold(to_ads(MANY), None), Refusal::InsufficientFunds),
        // Correcting.
        (closed(), reversal(99, &ads, &shop(1), MANY), Refusal::ReversedTransferNotFound),
        (closed(), reversal(2, &shop(1), &ads, MANY), Refusal::TransferNotReversible),
        (closed(), reversal(1, &shop(1), &ads, MANY), Refusal::ReversalWithOtherAccounts),
        (closed(), reversal(1, &ads, &shop(1), MANY), Refusal::DebitAccountClosed),
        (reversed, reversal(1, &ads, &shop(1), 3), Refusal::ExceedsReversible),
        // Resolving.
        (closed(), capture(99, MANY), Refusal::HoldNotFound),
        (without_accounts(), capture(1, MANY), Refusal::TransferNotAHold),
        (without_accounts(), capture(2, MANY), Refusal::DebitAccountNotFound),
        (in_other_currency, capture(2, MANY), Refusal::CurrencyMismatch),
        (closed(), capture(2, MANY), Refusal::HoldAlreadyCaptured),
        (closed(), capture(3, MANY), Refusal::HoldAlreadyVoided),
        (closed(), capture(4, MANY), Refusal::HoldAlreadyExpired),
        (closed(), capture(6, MANY), Refusal::HoldExpired),
        (closed(), Posting::void(tr(6)), Refusal::HoldExpired),
        (closed(), Posting::expiry(tr(5)), Refusal::HoldNotDue),
        (closed(), capture(5, MANY), Refusal::DebitAccountClosed),
        (past(Frozen, Closed), capture(5, MANY), Refusal::CreditAccountClosed),
        (past(Frozen, Frozen), capture(5, MANY), Refusal::DebitAccountFrozen),
        (past(Active, Frozen), capture(5, 6), Refusal::ExceedsHold),
    ]
}

#[test]
fn of_several_reasons_the_one_documented_first_is_answered() {
    for (mut book, posting, refusal) in cases() {
        let answers = book.post_all(std::slice::from_ref(&posting), at(2_000), ids());
        assert_eq!(answers, [Err(refusal)], "{posting:?}");
        assert_eq!(book.changed().count(), 0);
    }
}

#[test]
fn in_a_chain_the_elements_place_comes_before_all_other_reasons() {
    let mut book = closed();
    let other = pay(MANY).with_id(tr(1));
    let answers = refusals(&mut book, &[other.clone().linked(), other.clone().linked(), other.linked()]);
    use Refusal::{ExistsWithDifferentAmount, LinkedChainOpen, LinkedTransferFailed};
    assert_eq!(answers, [Some(ExistsWithDifferentAmount), Some(LinkedTransferFailed), Some(LinkedChainOpen)]);
}

#[test]
fn an_id_that_resolved_another_hold_is_refused() {
    let mut book = book(100);
    let resolve = |hold| Posting::capture(tr(hold), None).with_id(tr(3));
    let answers = refusals(&mut book, &[hold(1, 10), hold(2, 20), resolve(1), resolve(2)]);
    assert_eq!(answers, [None, None, None, Some(Refusal::ExistsWithDifferentHold)]);
}

#[test]
fn every_refusal_has_a_name_of_its_own() {
    let names: BTreeSet<_> = Refusal::ALL.iter().map(|refusal| refusal.as_str()).collect();
    assert_eq!(names.len(), Refusal::ALL.len());
    assert!(Refusal::ALL.is_sorted());
    assert_eq!(Refusal::HoldAlreadyCaptured.to_string(), "hold-already-captured");
}

/// One that is added has to be caused by a test, too.
#[test]
fn every_refusal_is_caused_here_or_in_the_tests_beside() {
    let mut caused: BTreeSet<_> = cases().into_iter().map(|(.., refusal)| refusal).collect();
    caused.extend([
        Refusal::LinkedChainOpen,
        Refusal::LinkedTransferFailed,
        Refusal::ExistsWithDifferentHold,
        Refusal::Exists,
        Refusal::DebitTotalExceeded,
        Refusal::CreditTotalExceeded,
    ]);
    assert_eq!(caused.into_iter().collect::<Vec<_>>(), Refusal::ALL);
}
