//! gate: the backend of the web platform and of the mobile apps.
//!
//! | | |
//! | --- | --- |
//! | [`users`] | registration, proving the address, the stages of a user's life |
//! | [`passwords`] | which passwords are taken |
//! | [`login`], [`login_delay`] | logging in, and how long a guesser waits |
//! | [`sessions`] | access and refresh tokens, cookies |
//! | [`shops`] | the users' shops and their roles there |
//! | `api` | HTTP: `/gate` |
//! | `contract` | what other services do for this one |

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod api;
mod contract;
pub mod login;
pub mod login_delay;
pub mod passwords;
pub mod sessions;
pub mod shops;
pub mod users;

datamp_sdk::service!("component.toml", api::routes, migrations = datamp_models::MIGRATIONS);
