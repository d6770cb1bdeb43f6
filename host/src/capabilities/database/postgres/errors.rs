//! PostgreSQL's errors as the contract's variants, by SQLSTATE: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.

use sqlx::postgres::PgDatabaseError;

use crate::capabilities::database::sql::Error;

/// What an error means.
pub(super) fn error(error: &sqlx::Error) -> Error {
    match error {
        sqlx::Error::Database(database) => match database.try_downcast_ref::<PgDatabaseError>() {
            Some(database) => by_state(database),
            None => Error::Other(database.message().to_owned()),
        },
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) => Error::Unavailable(error.to_string()),
        // A type that neither sqlx nor the server's catalogue resolves.
        sqlx::Error::TypeNotFound { .. } | sqlx::Error::ColumnDecode { .. } => {
            Error::UnsupportedType(error.to_string())
        }
        _ => Error::Other(error.to_string()),
    }
}

fn by_state(error: &PgDatabaseError) -> Error {
    let words = error.message().to_owned();
    let constraint = || error.constraint().unwrap_or_default().to_owned();
    match error.code() {
        // A constraint of exclusion says what a unique one says, of more than equality.
        "23505" | "23P01" => Error::UniqueViolation(constraint()),
        "23503" | "23001" => Error::ForeignKeyViolation(constraint()),
        "23514" => Error::CheckViolation(constraint()),
        "23502" => Error::NotNullViolation(error.column().unwrap_or_default().to_owned()),
        // A trigger's RAISE EXCEPTION.
        "P0001" => Error::CheckViolation(words),
        "42501" => Error::Denied(words),
        "25006" => Error::Denied("writing in a read-only transaction".to_owned()),
        // Serialization, deadlock, lock not available.
        "40001" | "40P01" | "55P03" => Error::Conflict,
        // Cancelled, idle within a transaction, idle for too long.
        "57014" | "25P03" | "57P05" => Error::Timeout,
        "25P02" => Error::TransactionEnded,
        // Too few or too many parameters are a breach of the protocol, in the server's eyes.
        "08P01" => Error::InvalidStatement(words),
        // A value that is not of its parameter's type.
        "22P02" | "22P03" | "22021" | "22023" => Error::InvalidStatement(words),
        code => match code.get(..2) {
            Some("08" | "28" | "57") => Error::Unavailable(words),
            Some("53") if code == "53300" => Error::Unavailable(words),
            Some("42" | "26" | "0A") => Error::InvalidStatement(words),
            _ => Error::Other(words),
        },
    }
}

/// Whether a prepared statement's plan no longer fits the tables, as a migration changed them: prepared anew, it runs.
pub(super) fn is_stale_plan(error: &sqlx::Error) -> bool {
    let database = error.as_database_error().and_then(|e| e.try_downcast_ref::<PgDatabaseError>());
    // The state is that of all things not supported; the routine tells which.
    database.is_some_and(|e| e.code() == "0A000" && e.routine() == Some("RevalidateCachedQuery"))
}

/// Whether the server let go of the connection before it ran anything.
pub(super) fn is_broken(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) => true,
        sqlx::Error::Database(database) => database.code().is_some_and(|code| code.starts_with("57P")),
        _ => false,
    }
}
