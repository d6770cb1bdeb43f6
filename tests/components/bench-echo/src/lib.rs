//! Answers what it is called with, for the benchmark of calls between components.

mod contract;

use datamp_sdk::prelude::*;

datamp_sdk::service!("component.toml", routes);

/// It serves no HTTP: its manifest names no route.
fn routes(_: &mut Router) {}
