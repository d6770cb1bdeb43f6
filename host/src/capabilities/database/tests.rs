//! The capability on SQLite and on PostgreSQL.

mod isolation;
mod limits;
mod migrating;
mod races;
mod rights;
mod transactions;
mod values;
mod views;
mod world;
