//! The contract `case:merge/doubling`, both sides of it.

#![allow(
    missing_docs,
    unreachable_pub,
    unsafe_code,
    clippy::all,
    clippy::panic,
    reason = "what wit-bindgen generates; and one element's panic is what is tried"
)]

use std::time::Duration;

wit_bindgen::generate!({ path: "wit", world: "merged-calls" });

pub use case::merge::doubling::double;
use exports::case::merge::doubling::{Doubled, Guest};

struct Doubling;

impl Guest for Doubling {
    fn double(numbers: Vec<u32>) -> Vec<Result<Doubled, String>> {
        // The work that is worth sharing: others queue meanwhile.
        std::thread::sleep(Duration::from_millis(20));
        let elements = numbers.len() as u32;
        let doubled = |number: u32| match number {
            13 => Err("unlucky".to_owned()),
            666 => panic!("an element that is too much"),
            7 => double(&[1])
                .pop()
                .unwrap_or(Err("nothing".to_owned()))
                .map(|doubled| Doubled { number: doubled.number, elements }),
            number => Ok(Doubled { number: number * 2, elements }),
        };
        numbers.into_iter().map(doubled).collect()
    }

    fn single(number: u32) -> u32 {
        number
    }
}

export!(Doubling);
