//! communication: the service that proves that an address is a person's.
//!
//! | | |
//! | --- | --- |
//! | [`verification`] | the rules of codes, and what asking for one and trying one do |
//! | `letters` | the letters, from `templates/` |
//! | `api` | HTTP, for client applications: `/communication/v1` |
//! | `contract` | `datamp:communication/verification`, for other components |

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod api;
mod contract;
mod letters;
pub mod verification;

datamp_sdk::service!("component.toml", api::routes, migrations = datamp_models::MIGRATIONS);
