//! The contract `bench:echo/calls`, as a component that imports it.

#![allow(missing_docs, unreachable_pub, unsafe_code, clippy::all, reason = "what wit-bindgen generates")]

wit_bindgen::generate!({ path: "../bench-echo/wit", world: "caller" });

pub use bench::echo::calls::{Entry, records, scalar};
