//! Transactions.

use std::cell::Cell;

use serde::de::DeserializeOwned;

use super::{Error, Value, row};
use crate::bindings::datamp::database::sql::{self, Access};
use crate::log;

/// How often a transaction is tried that conflicts with others.
const ATTEMPTS: u32 = 3;

thread_local! {
    static OPEN: Cell<bool> = const { Cell::new(false) };
}

/// A running transaction. See [`transaction`].
#[derive(Debug)]
pub struct Transaction {
    inner: sql::Transaction,
    /// A statement ended in a conflict, or the closure found one: whatever the closure made of that, the transaction can be tried again.
    conflicted: Cell<bool>,
}

/// Runs a transaction that reads and writes: committed when the closure answers `Ok`, rolled back when it answers `Err`.
///
/// When it conflicts with a concurrent one, everything is rolled back and the closure runs again, three times in all; so
/// whatever else it does (a mail, a call) may happen more than once. After that, [`Error::Conflict`].
///
/// On SQLite it holds the one writer's lock from its beginning, on PostgreSQL it is READ COMMITTED: lock the rows that
/// you decide upon by `FOR UPDATE`. One transaction at a time: a second inside it is an error.
pub fn transaction<T, E: From<Error>>(body: impl Fn(&Transaction) -> Result<T, E>) -> Result<T, E> {
    run(Access::ReadWrite, body)
}

/// Runs a transaction that only reads, upon one consistent snapshot. Writing is refused by the database.
pub fn read<T, E: From<Error>>(body: impl Fn(&Transaction) -> Result<T, E>) -> Result<T, E> {
    run(Access::ReadOnly, body)
}

fn run<T, E: From<Error>>(access: Access, body: impl Fn(&Transaction) -> Result<T, E>) -> Result<T, E> {
    let Some(_open) = Open::new() else {
        return Err(Error::Other("a transaction was begun inside another".to_owned()).into());
    };
    retried(|| {
        once(
            || sql::begin(access),
            |inner| {
                let transaction = Transaction { inner, conflicted: Cell::new(false) };
                let outcome = body(&transaction);
                let Transaction { inner, conflicted } = transaction;
                (inner, conflicted.get(), outcome)
            },
            sql::Transaction::commit,
            sql::Transaction::rollback,
        )
    })
}

/// Nothing took effect, and it can be tried again.
struct Conflicted;

fn retried<T, E: From<Error>>(attempt: impl Fn() -> Result<Result<T, E>, Conflicted>) -> Result<T, E> {
    for _ in 1..ATTEMPTS {
        match attempt() {
            Ok(outcome) => return outcome,
            Err(Conflicted) => log::debug!("a transaction conflicted and is tried again"),
        }
    }
    attempt().unwrap_or_else(|Conflicted| Err(Error::Conflict.into()))
}

/// One attempt. `body` also tells whether a statement of it conflicted.
fn once<I, T, E: From<Error>>(
    begin: impl FnOnce() -> Result<I, sql::Error>,
    body: impl FnOnce(I) -> (I, bool, Result<T, E>),
    commit: impl FnOnce(I) -> Result<(), sql::Error>,
    rollback: impl FnOnce(I) -> Result<(), sql::Error>,
) -> Result<Result<T, E>, Conflicted> {
    let inner = match begin() {
        Ok(inner) => inner,
        Err(sql::Error::Conflict) => return Err(Conflicted),
        Err(error) => return Ok(Err(Error::from(error).into())),
    };
    let (inner, conflicted, outcome) = body(inner);
    if conflicted {
        // Also where the closure answered `Ok`: the database has rolled back already, or does now that the transaction is
        // dropped.
        return Err(Conflicted);
    }
    match outcome {
        Ok(value) => match commit(inner) {
            Ok(()) => Ok(Ok(value)),
            Err(sql::Error::Conflict) => Err(Conflicted),
            Err(error) => Ok(Err(Error::from(error).into())),
        },
        Err(error) => {
            if let Err(failure) = rollback(inner) {
                // Dropping the transaction has undone it all the same; what counts is why.
                log::debug!("rollback: {}", Error::from(failure));
            }
            Ok(Err(error))
        }
    }
}

/// Holds the place of the one transaction that may run.
struct Open;

impl Open {
    fn new() -> Option<Self> {
        OPEN.with(|open| !open.replace(true)).then_some(Self)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        OPEN.with(|open| open.set(false));
    }
}

impl Transaction {
    /// Runs a statement and answers its rows.
    pub fn query<T: DeserializeOwned>(&self, statement: &str, parameters: &[Value]) -> Result<Vec<T>, Error> {
        row::all(self.rows(statement, parameters)?)
    }

    /// Runs a statement and answers its only row; [`Error::NoRow`] or [`Error::TooManyRows`] where it is not one.
    pub fn query_one<T: DeserializeOwned>(&self, statement: &str, parameters: &[Value]) -> Result<T, Error> {
        row::one(self.rows(statement, parameters)?)
    }

    /// Runs a statement and answers its only row, if it has one; [`Error::TooManyRows`] where it has more.
    pub fn query_optional<T: DeserializeOwned>(
        &self,
        statement: &str,
        parameters: &[Value],
    ) -> Result<Option<T>, Error> {
        row::optional(self.rows(statement, parameters)?)
    }

    /// Runs a statement and answers how many rows it changed.
    pub fn execute(&self, statement: &str, parameters: &[Value]) -> Result<u64, Error> {
        self.watched(self.inner.execute(statement, parameters))
    }

    /// For who finds that what was decided upon is out of date: whatever the closure answers, the transaction is rolled
    /// back and tried again, as after a conflict that the database found.
    pub fn conflict(&self) -> Error {
        self.conflicted.set(true);
        Error::Conflict
    }

    fn rows(&self, statement: &str, parameters: &[Value]) -> Result<sql::RowSet, Error> {
        self.watched(self.inner.query(statement, parameters))
    }

    pub(super) fn inner(&self) -> &sql::Transaction {
        &self.inner
    }

    /// A statement ended in a conflict, or did not.
    pub(super) fn note_conflict(&self, conflict: bool) {
        if conflict {
            self.conflicted.set(true);
        }
    }

    fn watched<T>(&self, result: Result<T, sql::Error>) -> Result<T, Error> {
        self.note_conflict(matches!(result, Err(sql::Error::Conflict)));
        Ok(result?)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    type Outcome = Result<u8, Error>;

    /// Runs attempts that end as the list says, and answers the outcome with the steps that were taken.
    fn run(bodies: &[(bool, Outcome)], commit: &Result<(), sql::Error>) -> (Outcome, Vec<&'static str>) {
        let steps = RefCell::new(Vec::new());
        let bodies = RefCell::new(bodies.iter().cloned());
        let outcome = retried(|| {
            once(
                || {
                    steps.borrow_mut().push("begin");
                    Ok(())
                },
                |()| {
                    let (conflicted, outcome) = bodies.borrow_mut().next().unwrap();
                    ((), conflicted, outcome)
                },
                |()| {
                    steps.borrow_mut().push("commit");
                    commit.clone()
                },
                |()| {
                    steps.borrow_mut().push("rollback");
                    Ok(())
                },
            )
        });
        (outcome, steps.into_inner())
    }

    #[test]
    fn ok_commits_and_an_error_rolls_back() {
        assert_eq!(run(&[(false, Ok(1))], &Ok(())), (Ok(1), vec!["begin", "commit"]));
        let (outcome, steps) = run(&[(false, Err(Error::NoRow))], &Ok(()));
        assert_eq!((outcome, steps), (Err(Error::NoRow), vec!["begin", "rollback"]));
    }

    #[test]
    fn a_conflict_is_tried_again_whatever_the_closure_made_of_it() {
        let bodies = [(true, Err(Error::NoRow)), (true, Ok(1)), (false, Ok(2))];
        let (outcome, steps) = run(&bodies, &Ok(()));
        assert_eq!(outcome, Ok(2));
        assert_eq!(steps, ["begin", "begin", "begin", "commit"]);
    }

    #[test]
    fn three_conflicts_are_the_end() {
        let bodies = [(true, Ok(1)), (true, Ok(1)), (true, Ok(1)), (false, Ok(1))];
        let (outcome, steps) = run(&bodies, &Ok(()));
        assert_eq!(outcome, Err(Error::Conflict));
        assert_eq!(steps, ["begin", "begin", "begin"]);
    }

    #[test]
    fn a_conflict_of_the_commit_is_tried_again_and_a_timeout_is_not() {
        let ok = [(false, Ok(1)), (false, Ok(1)), (false, Ok(1))];
        let (outcome, steps) = run(&ok, &Err(sql::Error::Conflict));
        assert_eq!((outcome, steps.len()), (Err(Error::Conflict), 6));
        let (outcome, steps) = run(&ok, &Err(sql::Error::Timeout));
        assert_eq!((outcome, steps.len()), (Err(Error::Timeout), 2));
    }

    #[test]
    fn a_transaction_inside_another_is_an_error() {
        let _outer = Open::new().unwrap();
        let inner: Outcome = transaction(|_| Ok(1));
        assert!(matches!(inner, Err(Error::Other(words)) if words.contains("inside another")));
    }

    #[test]
    fn the_place_is_free_again_afterwards() {
        drop(Open::new().unwrap());
        assert!(Open::new().is_some());
    }
}
