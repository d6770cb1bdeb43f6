//! What `cargo xtask` does: one module for each command, and what they share.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

use std::path::{Path, PathBuf};

pub mod bench;
pub mod build;
pub mod cli;
pub mod lint;
pub mod openapi;
pub mod setup;
pub mod shell;
pub mod test;
pub mod up;
pub mod wit;

/// The root of the repository.
#[must_use]
pub fn repository() -> PathBuf {
    // `cargo run` tells where this crate lies today; what was compiled in may have moved since.
    let here = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    here.parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}
