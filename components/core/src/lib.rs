//! Balances of shops and what moves them: the ledger, top-ups, payments, and the shops' public API.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

pub mod api;
pub mod api_keys;
pub mod authentication;
pub mod body;
mod contract;
pub mod id;
pub mod idempotency;
pub mod ledger;
pub mod operations;
pub mod page;
pub mod payments;
pub mod provider;
pub mod shops;
pub mod sql;
pub mod statement;
pub mod text;
pub mod top_ups;

datamp_sdk::service!("component.toml", api::routes, migrations = datamp_models::MIGRATIONS);
