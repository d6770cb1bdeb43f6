//! The DataMP host: it loads WebAssembly components, routes HTTP to them, gives each what it was granted and no more, and
//! swaps them while requests are under way.
//!
//! It knows nothing of what the components are for. The contracts between it and them are the packages under `wit/`.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

#[cfg(test)]
#[macro_use]
mod both;
#[cfg(test)]
mod rounds;

pub mod bindings;
pub mod capabilities;
pub mod cli;
pub mod control;
pub mod engine;
pub mod http;
pub mod manifest;
pub mod registry;
pub mod store;
pub mod telemetry;
pub mod timers;
pub mod work;
