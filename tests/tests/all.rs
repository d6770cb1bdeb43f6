//! The end-to-end tests, in one program: each would link all of the harness again.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends where what it needs is missing"
)]

#[macro_use]
mod both;

mod api_keys;
mod bad_input;
mod browser;
mod cli;
mod contracts;
mod crash;
mod deferred;
mod edge;
mod extensions;
mod first_day;
mod histories;
mod house_rules;
mod ledger;
mod links;
mod merge;
mod openapi;
mod operations;
mod operator;
mod panel_commands;
mod panel_work;
mod payments;
mod providers;
mod readme;
mod schemathesis;
mod standards;
mod swap;
mod webhooks;
