//! Balances of shops and what moves them: the ledger, top-ups, payments, and the shops' public API.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

pub mod api;
pub mod api_keys;
pub mod audit;
pub mod authentication;
pub mod body;
pub mod commands;
mod contract;
pub mod events;
pub mod id;
pub mod idempotency;
pub mod jobs;
pub mod ledger;
pub mod listing;
pub mod openapi;
pub mod operations;
pub mod page;
pub mod payments;
pub mod provider;
pub mod rate_limit;
pub mod refunds;
pub mod seconds;
pub mod shops;
pub mod sql;
pub mod statement;
pub mod text;
pub mod top_ups;
pub mod webhooks;

datamp_sdk::service!(
    "component.toml",
    api::routes,
    migrations = datamp_models::MIGRATIONS,
    openapi = "openapi/v1.json",
    subscriber = events::handle,
    jobs = jobs::run,
    commands = commands::commands,
);
