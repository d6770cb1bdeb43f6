//! The contract `bench:echo/calls`, as the component that exports it.

#![allow(missing_docs, unreachable_pub, unsafe_code, clippy::all, reason = "what wit-bindgen generates")]

wit_bindgen::generate!({ path: "wit", world: "callee" });

use exports::bench::echo::calls::{Entry, Guest};

struct Calls;

impl Guest for Calls {
    fn scalar(number: u64) -> u64 {
        number.wrapping_add(1)
    }

    fn records(entries: Vec<Entry>) -> Vec<Entry> {
        entries
    }
}

export!(Calls);
