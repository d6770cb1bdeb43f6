//! A payment provider that takes no money: whoever opens its page, or knows its secret, says whether a top-up succeeded.
//!
//! It stands where a real provider will, and does what one does: a reference of its own, a page where a person confirms, callbacks that are
//! signed, dated, repeated and out of order, and an answer to how a payment stands. It is written against the published contract
//! and the SDK alone, and is a pattern for others.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod contract;
pub mod currency;
pub mod event;
pub mod language;
pub mod page;
pub mod payment;
mod provider;
pub mod signature;
pub mod store;

datamp_sdk::service!("component.toml", page::routes, migrations = include_bytes!("../migrations.json"));
