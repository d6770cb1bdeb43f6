use std::cell::RefCell;

use datamp_models::core::Owner;

use super::super::book::Book;
use super::super::book::tests::{account, at, ids, movement, shop, tr};
use super::*;

/// A book in which the first shop owns an amount.
fn book(owned: i64) -> Book {
    let mut book = Book::new([account(&Owner::SANDBOX), account(&Owner::ADVERTISING), account(&shop(1))], []);
    let answers = book.post_all(&[Posting::of(movement(&Owner::SANDBOX, &shop(1), owned))], at(1), ids());
    assert!(answers[0].is_ok());
    book
}

fn pay(number: u128, minor_units: i64) -> Posting {
    Posting::of(movement(&shop(1), &Owner::ADVERTISING, minor_units)).with_id(tr(number))
}

fn chains(list: Vec<Vec<Posting>>) -> Chains {
    let mut chains = Chains::default();
    for chain in list {
        chains.push(chain).unwrap();
    }
    chains
}

/// What became of each chain: how many postings it has, or which was refused and why.
fn told(outcomes: &[Outcome]) -> Vec<Result<usize, (usize, Refusal)>> {
    let told = |outcome: &Outcome| match outcome {
        Ok(posted) => Ok(posted.len()),
        Err(Failure::Refused(place, refusal)) => Err((*place, *refusal)),
        Err(failure) => panic!("{failure:?}"),
    };
    outcomes.iter().map(told).collect()
}

#[test]
fn a_chain_succeeds_or_fails_together_and_stops_no_other() {
    let mut book = book(100);
    let list = vec![
        vec![pay(1, 60)],
        vec![pay(2, 10), pay(3, 10), pay(4, 90)],
        vec![pay(5, 20), pay(6, 20)],
        vec![pay(7, 1)],
        vec![pay(1, 60)],
        vec![pay(1, 60), pay(8, 1)],
    ];
    let outcomes = chains(list).post(&mut |postings| Ok(book.post_all(postings, at(2), ids())));
    assert_eq!(
        told(&outcomes),
        [
            Ok(1),
            Err((2, Refusal::InsufficientFunds)),
            Ok(2),
            Err((0, Refusal::InsufficientFunds)),
            Ok(1),
            Err((0, Refusal::Exists)),
        ]
    );
    assert!(matches!(outcomes[4].as_deref(), Ok([Posted::Existed(_)])));
}

#[test]
fn neighbours_are_never_linked_whatever_their_length() {
    let all = chains((1..=4).map(|length| (0..length).map(|_| pay(1, 1)).collect()).collect());
    let linked: Vec<bool> = all.postings.iter().map(|posting| posting.linked).collect();
    assert_eq!(linked, [false, true, false, true, true, false, true, true, true, false]);
    // Whoever links by hand is not taken at their word either.
    assert!(!chains(vec![vec![pay(1, 1).linked()]]).postings[0].linked);
}

#[test]
fn a_chain_has_a_posting_and_not_too_many() {
    let mut all = Chains::default();
    assert_eq!(all.push(Vec::new()), Err(OutOfBounds));
    assert_eq!(all.push(vec![pay(1, 1); MAX_BATCH + 1]), Err(OutOfBounds));
    assert_eq!(all, Chains::default());
    all.push(vec![pay(1, 1); MAX_BATCH]).unwrap();
}

#[test]
fn batches_end_where_chains_do_and_hold_no_more_than_they_may() {
    let sizes = [1, MAX_BATCH - 1, 1, MAX_BATCH, MAX_BATCH - 2, 2, 1];
    let all = chains(sizes.iter().map(|size| vec![pay(1, 1); *size]).collect());
    let batches = RefCell::new(Vec::new());
    let mut failing = |postings: &[Posting]| {
        batches.borrow_mut().push(postings.len());
        assert!(!postings.last().unwrap().linked);
        Err(Error::Timeout)
    };
    let outcomes = all.post(&mut failing);
    assert_eq!(*batches.borrow(), [MAX_BATCH, 1, MAX_BATCH, MAX_BATCH, 1]);
    assert_eq!(outcomes, vec![Err(Failure::Unavailable(Error::Timeout)); sizes.len()]);
}

#[test]
fn a_chain_that_a_rule_of_the_database_refuses_fails_alone() {
    let mut book = book(100);
    let transactions = RefCell::new(0);
    // As the database does it: nothing of a transaction with the bad one is kept.
    let mut post = |postings: &[Posting]| {
        *transactions.borrow_mut() += 1;
        if postings.iter().any(|posting| posting.id == Some(tr(5)) || posting.id == Some(tr(9))) {
            return Err(Error::UniqueViolation("once".to_owned()));
        }
        Ok(book.post_all(postings, at(2), ids()))
    };
    let list = (1..=16).map(|number| vec![pay(number, 1), pay(100 + number, 1)]).collect();
    for (place, outcome) in chains(list).post(&mut post).into_iter().enumerate() {
        match place + 1 {
            5 | 9 => assert_eq!(outcome, Err(Failure::Conflict("once".to_owned()))),
            _ => assert_eq!(outcome.map(|posted| posted.len()), Ok(2)),
        }
    }
    // Halves and not one by one.
    assert!(*transactions.borrow() <= 17, "{transactions:?}");
}

#[test]
fn what_is_not_answered_is_not_taken_for_posted() {
    for answers in [vec![], vec![Err(Refusal::LinkedTransferFailed); 2]] {
        let outcomes = chains(vec![vec![pay(1, 1), pay(2, 1)]]).post(&mut |_| Ok(answers.clone()));
        assert!(matches!(outcomes[..], [Err(Failure::Unavailable(Error::Other(_)))]), "{outcomes:?}");
    }
}
