//! The entity types that DataMP's services share, and the migrations of their tables.
//!
//! Two services can't disagree about a definition, since there is one: amounts, currencies, ids and statuses are told here,
//! and the tables that hold them are made by the migrations of the same version. Nothing here touches a database, a
//! network or a clock, so it compiles for every target.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

pub mod admin;
pub mod communication;
pub mod core;
pub mod currency;
pub mod gate;
pub mod id;
pub mod money;
pub mod webhooks;

#[doc(hidden)]
pub use schemars as __schemars;

pub use crate::currency::Currency;
pub use crate::money::Amount;

/// All migrations, in order: `{"set": "models", "migrations": [{"number", "name", "sqlite", "postgresql"}]}`.
///
/// Every service embeds them; the host applies what is missing. A migration that was released never changes, and only
/// expands: the code of the release before runs beside it during a swap.
pub const MIGRATIONS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/migrations.json"));
