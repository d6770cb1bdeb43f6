//! Statements that the two dialects spell differently.

use std::cell::OnceCell;

use datamp_sdk::database::{self, Dialect};

thread_local! {
    /// It can't change in the life of an instance, so the host is asked once.
    static DIALECT: OnceCell<Dialect> = const { OnceCell::new() };
}

/// One statement in both dialects, with the same parameters and columns.
#[derive(Clone, Copy, Debug)]
pub struct Statement {
    /// For SQLite. Lists come as JSON (`json_each`); rows are not locked, since a writing transaction is alone.
    pub sqlite: &'static str,
    /// For PostgreSQL. Lists of texts come as arrays, lists of rows as JSON.
    pub postgresql: &'static str,
}

impl Statement {
    /// Its text in the dialect of the host's database.
    pub fn text(self) -> &'static str {
        match DIALECT.with(|dialect| *dialect.get_or_init(database::dialect)) {
            Dialect::Sqlite => self.sqlite,
            Dialect::Postgresql => self.postgresql,
        }
    }
}
