//! SQLite's errors as the contract's variants, by extended result code: <https://www.sqlite.org/rescode.html>.

use libsqlite3_sys as ffi;

use super::authorizer::Guard;
use crate::capabilities::database::sql::Error;

/// What an error means. `guard` is the connection's: it knows which right was missing.
pub(super) fn error(error: &sqlx::Error, guard: &Guard) -> Error {
    // Whatever the code: of a function that was denied, SQLite says only that the statement is wrong.
    if let Some(denied) = guard.take_denied() {
        return Error::Denied(denied);
    }
    match error {
        sqlx::Error::Database(database) => {
            let code = database.code().and_then(|code| code.parse().ok()).unwrap_or(ffi::SQLITE_ERROR);
            by_code(code, database.message())
        }
        // sqlx's own words for what it can't bind.
        sqlx::Error::Protocol(words) => Error::InvalidStatement(words.clone()),
        sqlx::Error::WorkerCrashed | sqlx::Error::Io(_) => Error::Unavailable(error.to_string()),
        _ => Error::Other(error.to_string()),
    }
}

fn by_code(code: i32, words: &str) -> Error {
    // "UNIQUE constraint failed: t.a, t.b": the code tells what failed, and nothing but the words tells which.
    let which = || words.split_once(": ").map_or("", |(_, which)| which).to_owned();
    match code {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => {
            return Error::UniqueViolation(which());
        }
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => return Error::ForeignKeyViolation(which()),
        ffi::SQLITE_CONSTRAINT_CHECK => return Error::CheckViolation(which()),
        // A trigger's RAISE.
        ffi::SQLITE_CONSTRAINT_TRIGGER => return Error::CheckViolation(words.to_owned()),
        ffi::SQLITE_CONSTRAINT_NOTNULL => {
            let column = which();
            return Error::NotNullViolation(
                column.rsplit_once('.').map_or(column.as_str(), |(_, name)| name).to_owned(),
            );
        }
        _ => {}
    }
    match code & 0xff {
        ffi::SQLITE_AUTH => Error::Denied(words.to_owned()),
        ffi::SQLITE_READONLY => Error::Denied("writing in a read-only transaction".to_owned()),
        ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => Error::Conflict,
        ffi::SQLITE_INTERRUPT => Error::Timeout,
        ffi::SQLITE_TOOBIG => Error::TooLarge,
        ffi::SQLITE_ERROR | ffi::SQLITE_RANGE | ffi::SQLITE_MISMATCH | ffi::SQLITE_CONSTRAINT => {
            Error::InvalidStatement(words.to_owned())
        }
        ffi::SQLITE_IOERR | ffi::SQLITE_CANTOPEN | ffi::SQLITE_CORRUPT | ffi::SQLITE_NOTADB | ffi::SQLITE_PROTOCOL => {
            Error::Unavailable(words.to_owned())
        }
        _ => Error::Other(words.to_owned()),
    }
}
