//! Why a statement had no effect.

use std::fmt;

use crate::bindings::datamp::database::sql;
use crate::{IntoResponse, Problem, Response, log};

/// Why a statement had no effect, or its rows could not be read.
///
/// Where it becomes a [`Problem`], its words go to the log and not to the client: 503 for [`Conflict`](Self::Conflict),
/// [`Timeout`](Self::Timeout) and [`Unavailable`](Self::Unavailable), else 500. Match the violations that a request can
/// cause before that.
#[derive(Clone, Debug, PartialEq)]
pub enum Error {
    /// A unique or primary key is taken: the name of the constraint (PostgreSQL) or of the columns (SQLite).
    UniqueViolation(String),
    /// A foreign key has no counterpart; the constraint's name where the database tells it.
    ForeignKeyViolation(String),
    /// A CHECK failed; the constraint's name.
    CheckViolation(String),
    /// A NOT NULL column got none; its name.
    NotNullViolation(String),
    /// The statement needs a right that this component does not have. Says which, on what.
    Denied(String),
    /// The database can't parse or plan the statement, or the number or types of parameters don't fit it.
    InvalidStatement(String),
    /// A column's type has no [`Value`](super::Value): cast it in the statement. The column and the type.
    UnsupportedType(String),
    /// More rows or bytes than one answer may hold.
    TooLarge,
    /// A conflict with a concurrent transaction, a deadlock, or a lock that was not had in time: nothing took effect,
    /// and the whole transaction can be tried again, as [`transaction`](super::transaction) does.
    Conflict,
    /// The caller's deadline ended first. A single statement may have had its effect; a transaction did not.
    Timeout,
    /// No connection could be had, or it broke.
    Unavailable(String),
    /// The transaction has already ended, by an error of the database.
    TransactionEnded,
    /// Anything else; the database's own words, for the log and not for a client.
    Other(String),
    /// An event or a job that the host does not take, before the database saw it; says why.
    Refused(String),
    /// One row was wanted, and there is none.
    NoRow,
    /// One row was wanted, and there are more.
    TooManyRows,
    /// A row does not fit the type that it was to become; says which column, and why.
    Row(String),
}

impl From<sql::Error> for Error {
    fn from(error: sql::Error) -> Self {
        match error {
            sql::Error::UniqueViolation(name) => Self::UniqueViolation(name),
            sql::Error::ForeignKeyViolation(name) => Self::ForeignKeyViolation(name),
            sql::Error::CheckViolation(name) => Self::CheckViolation(name),
            sql::Error::NotNullViolation(name) => Self::NotNullViolation(name),
            sql::Error::Denied(right) => Self::Denied(right),
            sql::Error::InvalidStatement(words) => Self::InvalidStatement(words),
            sql::Error::UnsupportedType(column) => Self::UnsupportedType(column),
            sql::Error::TooLarge => Self::TooLarge,
            sql::Error::Conflict => Self::Conflict,
            sql::Error::Timeout => Self::Timeout,
            sql::Error::Unavailable(words) => Self::Unavailable(words),
            sql::Error::TransactionEnded => Self::TransactionEnded,
            sql::Error::Other(words) => Self::Other(words),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UniqueViolation(name) => write!(formatter, "{name} is taken"),
            Self::ForeignKeyViolation(name) => {
                write!(formatter, "a foreign key has no counterpart: {name}")
            }
            Self::CheckViolation(name) => write!(formatter, "the check {name} failed"),
            Self::NotNullViolation(name) => write!(formatter, "{name} may not be null"),
            Self::Denied(right) => write!(formatter, "not granted: {right}"),
            Self::InvalidStatement(words) => write!(formatter, "invalid statement: {words}"),
            Self::UnsupportedType(column) => {
                write!(formatter, "a column's type is not supported: {column}")
            }
            Self::TooLarge => formatter.write_str("more rows or bytes than one answer may hold"),
            Self::Conflict => formatter.write_str("a conflict with a concurrent transaction"),
            Self::Timeout => formatter.write_str("the deadline ended first"),
            Self::Unavailable(words) => write!(formatter, "the database is unavailable: {words}"),
            Self::TransactionEnded => formatter.write_str("the transaction has already ended"),
            Self::Other(words) => formatter.write_str(words),
            Self::Refused(words) => write!(formatter, "not taken: {words}"),
            Self::NoRow => formatter.write_str("one row was wanted, and there is none"),
            Self::TooManyRows => formatter.write_str("one row was wanted, and there are more"),
            Self::Row(words) => write!(formatter, "a row does not fit: {words}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Conflict | Error::Timeout | Error::Unavailable(_) => {
                log::warn!("database: {}", error);
                Self::unavailable("The database could not do it in time. Try again.")
            }
            error => Self::internal(format_args!("database: {error}")),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}
