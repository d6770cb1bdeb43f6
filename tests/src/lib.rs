//! What the end-to-end tests share: the real host as a process of its own, clients for it, and components to give it.
//!
//! `cargo xtask test` builds everything first, and tells by the environment where it is:
//!
//! | variable | what it is | without it |
//! | --- | --- | --- |
//! | `DATAMP_HOST_BIN` | the program `datamp` | `target/release/datamp` |
//! | `DATAMP_COMPONENTS` | the folder of built components | `target/guests/wasm32-wasip2/component` |
//! | `DATAMP_TEST_POSTGRES` | a PostgreSQL server's URL, whose user may create databases and roles | a server of the test's own |
//!
//! Everything here panics when it fails, since the test can't go on then.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends where what it needs is missing"
)]

pub mod case;
pub mod component;
pub mod control;
pub mod host;
pub mod http;
pub mod ledger;
pub mod load;
pub mod panel;
pub mod receiver;
pub mod shop;
pub mod storage;
pub mod wait;
