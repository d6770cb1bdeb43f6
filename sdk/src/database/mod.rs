//! The host's SQL database, as this component may use it.
//!
//! ```no_run
//! use datamp_sdk::{database, params};
//! use serde::Deserialize;
//!
//! #[derive(Deserialize)]
//! struct Shop {
//!     id: String,
//!     name: String,
//! }
//!
//! fn shop(id: &str) -> Result<Option<Shop>, database::Error> {
//!     database::query_optional("SELECT id, name FROM shop WHERE id = $1", params![id])
//! }
//!
//! fn rename(id: &str, name: &str) -> Result<i64, database::Error> {
//!     database::transaction(|tx| {
//!         tx.execute("UPDATE shop SET name = $2 WHERE id = $1", params![id, name])?;
//!         tx.query_one("SELECT COUNT(*) FROM shop WHERE name = $1", params![name])
//!     })
//! }
//! ```
//!
//! Rows become structs by the names of their columns, tuples by position, and rows of one column also that value alone.
//! NULL takes an `Option`.

mod deferred;
mod error;
mod json_text;
mod row;
mod transaction;
mod value;

pub use error::Error;
pub use json_text::JsonText;
pub(crate) use row::in_row;
pub use transaction::{Transaction, read, transaction};
pub use value::ToValue;

/// Which SQL is spoken.
pub use crate::bindings::datamp::database::sql::Dialect;
/// A parameter, or a column of a row.
pub use crate::bindings::datamp::database::sql::Value;

use serde::de::DeserializeOwned;

use crate::bindings::datamp::database::sql;

/// Which SQL is spoken. Parameters are `$1`, `$2` … in both.
pub fn dialect() -> Dialect {
    sql::get_dialect()
}

/// Runs one statement by itself and answers its rows: at most 10,000, of 16 MiB together.
pub fn query<T: DeserializeOwned>(statement: &str, parameters: &[Value]) -> Result<Vec<T>, Error> {
    row::all(sql::query(statement, parameters)?)
}

/// Runs one statement by itself and answers its only row; [`Error::NoRow`] or [`Error::TooManyRows`] where it is not one.
pub fn query_one<T: DeserializeOwned>(statement: &str, parameters: &[Value]) -> Result<T, Error> {
    row::one(sql::query(statement, parameters)?)
}

/// Runs one statement by itself and answers its only row, if it has one; [`Error::TooManyRows`] where it has more.
pub fn query_optional<T: DeserializeOwned>(statement: &str, parameters: &[Value]) -> Result<Option<T>, Error> {
    row::optional(sql::query(statement, parameters)?)
}

/// Runs one statement by itself and answers how many rows it changed.
pub fn execute(statement: &str, parameters: &[Value]) -> Result<u64, Error> {
    Ok(sql::execute(statement, parameters)?)
}

/// The parameters of a statement: `params![shop_id, amount, None::<i64>]`. Values are borrowed, not moved.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        (&[$($crate::database::ToValue::to_value(&$value)),*] as &[$crate::database::Value])
    };
}
