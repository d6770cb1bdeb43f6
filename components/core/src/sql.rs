//! Statements that the two dialects spell differently.

use std::cell::OnceCell;

use datamp_sdk::database::{self, Dialect, JsonText, ToValue as _, Value};
use serde::Serialize;

thread_local! {
    /// It can't change in the life of an instance, so the host is asked once.
    static DIALECT: OnceCell<Dialect> = const { OnceCell::new() };
}

/// One statement in both dialects, with the same parameters and columns.
#[derive(Clone, Copy, Debug)]
pub struct Statement {
    /// For SQLite. Lists come as JSON (`json_each`); rows are not locked, since a writing transaction is alone.
    pub sqlite: &'static str,
    /// For PostgreSQL. Lists of texts come as arrays, lists of rows as JSON, or as [`Row`] has it.
    pub postgresql: &'static str,
}

impl Statement {
    /// Its text in the dialect of the host's database.
    pub fn text(self) -> &'static str {
        match dialect() {
            Dialect::Sqlite => self.sqlite,
            Dialect::Postgresql => self.postgresql,
        }
    }
}

fn dialect() -> Dialect {
    DIALECT.with(|dialect| *dialect.get_or_init(database::dialect))
}

/// A row that is written by the thousand. PostgreSQL reads an array for each column in a fraction of the time that JSON takes it.
pub trait Row: Serialize + Sized {
    /// The columns of rows, for `unnest` and in the order in which the statement names them: [`texts`] or [`integers`] each.
    fn columns(rows: &[Self]) -> Vec<Value>;
}

/// Rows as a statement's parameters: a list in JSON on SQLite, a column each on PostgreSQL.
pub fn rows<R: Row>(rows: &[R]) -> Vec<Value> {
    match dialect() {
        Dialect::Sqlite => vec![JsonText(rows).to_value()],
        Dialect::Postgresql => R::columns(rows),
    }
}

/// A column of texts, in which NULL is the empty text: `NULLIF(…, '')`.
pub fn texts<'a, R, T: Into<Option<&'a str>>>(rows: &'a [R], column: impl Fn(&'a R) -> T) -> Value {
    Value::Texts(rows.iter().map(|row| column(row).into().unwrap_or_default().to_owned()).collect())
}

/// A column of integers, in which NULL is the least there is: `NULLIF(…, CAST('-9223372036854775808' AS BIGINT))`. The number
/// without quotes is a NUMERIC to PostgreSQL, and so would be what is compared with it.
pub fn integers<'a, R, T: Into<Option<i64>>>(rows: &'a [R], column: impl Fn(&'a R) -> T) -> Value {
    Value::Integers(rows.iter().map(|row| column(row).into().unwrap_or(i64::MIN)).collect())
}
