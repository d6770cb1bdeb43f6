use super::*;
use datamp_models::core::{Owner, ShopId, TransferCode};
use datamp_models::money::MAX_AMOUNT;
use datamp_models::{Amount, id};
use proptest::prelude::*;

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

fn rub() -> Currency {
    "RUB".parse().unwrap()
}

fn shop(number: u128) -> Owner {
    Owner::Shop(ShopId::parse(&format!("shop_{}", id::encode(number))).unwrap())
}

fn account(owner: &Owner) -> Account {
    Account {
        id: AccountId::of(owner, rub()),
        kind: owner.kind(),
        currency: rub(),
        status: AccountStatus::Active,
        debits_posted: 0,
        credits_posted: 0,
        debits_pending: 0,
        posted_at: at(0),
    }
}

fn posting(debit: &Owner, credit: &Owner, amount: i64) -> Posting {
    Posting::between(debit, credit, Amount::new(amount).unwrap(), rub(), TransferCode::Payment, "pay_1")
}

fn ids() -> impl FnMut() -> TransferId {
    let mut count = 0;
    move || {
        count += 1;
        TransferId::parse(&format!("tr_{}", id::encode(count))).unwrap()
    }
}

fn post(book: &mut Book, postings: &[Posting]) -> Vec<Result<Transfer, Refusal>> {
    book.post_all(postings, at(1_000), ids())
}

/// A book with a shop that owns `owned`, and the system's accounts.
fn book(owned: i64) -> Book {
    let accounts = [account(&Owner::SANDBOX), account(&Owner::ADVERTISING), account(&shop(1)), account(&shop(2))];
    let mut book = Book::new(accounts);
    if owned > 0 {
        post(&mut book, &[posting(&Owner::SANDBOX, &shop(1), owned)]).remove(0).unwrap();
    }
    book
}

fn balance(book: &Book, owner: &Owner) -> i64 {
    book.accounts[&AccountId::of(owner, rub())].balance()
}

#[test]
fn a_transfer_moves_its_amount_from_debit_to_credit() {
    let mut book = book(100);
    let transfer = post(&mut book, &[posting(&shop(1), &Owner::ADVERTISING, 30)]).remove(0).unwrap();
    assert_eq!((transfer.debit_balance, transfer.credit_balance), (70, 30));
    assert_eq!(balance(&book, &shop(1)), 70);
    assert_eq!(balance(&book, &Owner::ADVERTISING), 30);
    assert_eq!(balance(&book, &Owner::SANDBOX), -100);
}

#[test]
fn elements_see_those_before_them_and_a_refused_one_leaves_nothing() {
    let mut book = book(100);
    let pay = |amount| posting(&shop(1), &Owner::ADVERTISING, amount);
    let results = post(&mut book, &[pay(60), pay(50), pay(40), pay(1)]);
    let refused: Vec<_> = results.iter().map(|result| result.as_ref().err().copied()).collect();
    assert_eq!(refused, [None, Some(Refusal::InsufficientFunds), None, Some(Refusal::InsufficientFunds)]);
    assert_eq!(balance(&book, &shop(1)), 0);
}

#[test]
fn what_is_held_cannot_be_spent() {
    let mut held = account(&shop(1));
    (held.credits_posted, held.debits_pending) = (100, 40);
    let mut book = Book::new([held, account(&Owner::ADVERTISING)]);
    let results =
        post(&mut book, &[posting(&shop(1), &Owner::ADVERTISING, 61), posting(&shop(1), &Owner::ADVERTISING, 60)]);
    assert_eq!(results[0], Err(Refusal::InsufficientFunds));
    assert!(results[1].is_ok());
}

#[test]
fn times_of_an_account_strictly_increase_even_when_the_clock_goes_back() {
    let mut book = book(100);
    let pay = posting(&shop(1), &Owner::ADVERTISING, 1);
    let first = book.post_all(&[pay.clone(), pay.clone()], at(5_000), ids());
    let later = book.post_all(std::slice::from_ref(&pay), at(10), ids());
    let times: Vec<_> = first.iter().chain(&later).map(|result| result.as_ref().unwrap().created_at).collect();
    assert_eq!(times, [at(5_000), at(5_001), at(5_002)]);
}

#[test]
fn only_accounts_that_took_part_are_changed() {
    let mut book = Book::new(book(100).accounts.into_values());
    post(&mut book, &[posting(&shop(2), &Owner::ADVERTISING, 1)]);
    assert_eq!(book.changed().count(), 0);
    post(&mut book, &[posting(&shop(1), &Owner::ADVERTISING, 1), posting(&shop(1), &Owner::ADVERTISING, 1)]);
    assert_eq!(book.changed().count(), 2);
}

/// Each case breaks its own rule and as many of those after it as can be broken together.
#[test]
fn of_several_reasons_the_one_documented_first_is_answered() {
    let usd = |mut posting: Posting| {
        posting.currency = "USD".parse().unwrap();
        posting
    };
    let with = |debit: AccountStatus, credit: AccountStatus| {
        let (mut from, mut to) = (account(&shop(1)), account(&Owner::ADVERTISING));
        (from.status, to.status) = (debit, credit);
        (from.debits_posted, from.credits_posted, to.credits_posted) = (MAX_TOTAL, MAX_TOTAL, MAX_TOTAL);
        Book::new([from, to])
    };
    use AccountStatus::{Active, Closed, Frozen};
    let pay = posting(&shop(1), &Owner::ADVERTISING, MAX_AMOUNT);
    let cases = [
        (with(Closed, Closed), usd(posting(&shop(3), &shop(3), 1)), Refusal::AccountsMustDiffer),
        (with(Closed, Closed), usd(posting(&shop(3), &shop(4), 1)), Refusal::DebitAccountNotFound),
        (with(Closed, Closed), usd(posting(&shop(1), &shop(4), 1)), Refusal::CreditAccountNotFound),
        (with(Closed, Closed), usd(pay.clone()), Refusal::CurrencyMismatch),
        (with(Closed, Closed), pay.clone(), Refusal::DebitAccountClosed),
        (with(Frozen, Closed), pay.clone(), Refusal::CreditAccountClosed),
        (with(Frozen, Frozen), pay.clone(), Refusal::DebitAccountFrozen),
        (with(Active, Frozen), pay, Refusal::InsufficientFunds),
    ];
    for (mut book, mut posting, refusal) in cases {
        if refusal == Refusal::CurrencyMismatch || posting.currency.code() == "USD" {
            // `between` derives the accounts from the currency; here they stay those of RUB.
            posting.currency = "USD".parse().unwrap();
        }
        assert_eq!(post(&mut book, &[posting]), [Err(refusal)]);
        assert_eq!(book.changed().count(), 0);
    }
}

#[test]
fn totals_stay_in_range() {
    let (mut full, mut empty) = (account(&Owner::SANDBOX), account(&Owner::ADVERTISING));
    full.debits_posted = MAX_TOTAL - 1;
    empty.credits_posted = MAX_TOTAL - 3;
    let mut book = Book::new([full, empty]);
    let results = post(
        &mut book,
        &[
            posting(&Owner::SANDBOX, &Owner::ADVERTISING, 2),
            posting(&Owner::SANDBOX, &Owner::ADVERTISING, 1),
            posting(&Owner::ADVERTISING, &Owner::SANDBOX, MAX_AMOUNT),
            posting(&Owner::SANDBOX, &Owner::ADVERTISING, 1),
        ],
    );
    assert_eq!(results[0], Err(Refusal::DebitTotalExceeded));
    assert!(results[1].is_ok() && results[2].is_ok());
    assert_eq!(results[3], Err(Refusal::DebitTotalExceeded));
    let mut other = account(&shop(1));
    other.credits_posted = 10;
    let mut book = Book::new([other, book.accounts[&AccountId::of(&Owner::ADVERTISING, rub())].clone()]);
    assert_eq!(post(&mut book, &[posting(&shop(1), &Owner::ADVERTISING, 3)]), [Err(Refusal::CreditTotalExceeded)]);
}

proptest! {
    /// Any batches over shops and system accounts, some amounts absurd: money is neither made nor lost, no shop is
    /// overdrawn at any step, refusals change nothing, and the balances that transfers tell are those of the accounts.
    #[test]
    fn batches_keep_the_sum_at_zero_and_no_shop_below_it(
        batches in prop::collection::vec(prop::collection::vec((0..6_usize, 0..6_usize, amounts()), 0..20), 1..10),
        times in prop::collection::vec(0..2_000_i64, 10),
    ) {
        let owners = [Owner::SANDBOX, Owner::ADVERTISING, shop(1), shop(2), shop(3), shop(4)];
        // The last shop has no account.
        let mut book = Book::new(owners.iter().take(5).map(account));
        let mut id = ids();
        for (batch, now) in batches.iter().zip(times) {
            let postings: Vec<_> = batch.iter().map(|(debit, credit, amount)| posting(&owners[*debit], &owners[*credit], *amount)).collect();
            let before: BTreeMap<_, _> = book.accounts.clone();
            let results = book.post_all(&postings, at(now), &mut id);
            prop_assert_eq!(results.len(), postings.len());

            let mut model: BTreeMap<_, i64> = before.iter().map(|(id, account)| (id.clone(), account.balance())).collect();
            let mut latest: BTreeMap<_, Timestamp> = before.iter().map(|(id, account)| (id.clone(), account.posted_at)).collect();
            for (posting, result) in postings.iter().zip(&results) {
                let possible = posting.debit != posting.credit
                    && model.contains_key(&posting.debit)
                    && model.contains_key(&posting.credit)
                    && (book.accounts[&posting.debit].kind != AccountKind::Shop || model[&posting.debit] >= posting.amount.minor_units());
                prop_assert_eq!(result.is_ok(), possible);
                let Ok(transfer) = result else { continue };
                for (account, sign, told) in [(&posting.debit, -1, transfer.debit_balance), (&posting.credit, 1, transfer.credit_balance)] {
                    let balance = model.get_mut(account).unwrap();
                    *balance += sign * posting.amount.minor_units();
                    prop_assert_eq!(*balance, told);
                    prop_assert!(transfer.created_at > latest[account] && transfer.created_at >= at(now));
                    latest.insert(account.clone(), transfer.created_at);
                    if book.accounts[account].kind == AccountKind::Shop {
                        prop_assert!(told >= 0);
                    }
                }
            }
            for (id, account) in &book.accounts {
                prop_assert_eq!(account.balance(), model[id]);
                prop_assert_eq!(account.posted_at, latest[id]);
            }
            prop_assert_eq!(book.accounts.values().map(Account::balance).sum::<i64>(), 0);
        }
    }
}

fn amounts() -> impl Strategy<Value = i64> {
    prop_oneof![4 => 1..100_i64, 1 => 1..=MAX_AMOUNT]
}
