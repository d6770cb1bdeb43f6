//! Codes that prove an address: asked for, sent in a letter, tried.
//!
//! The life of a code: `sending` while its letter is handed over, then `sent`, or `failed`; `verified` once it was used.
//! What a code is checked against is a keyed hash of it and its id, by a key that only the host has: whoever reads the
//! database learns no code, not even by trying all million of them.
//!
//! Another component names the subject that it vouches for, and a new code for the subject supersedes the one before. A client
//! application is anybody: its codes are found by their id alone, and touch nobody else's.

pub mod attempt;
mod check;
pub mod code;
pub mod limits;
mod start;
mod store;

pub use check::{CheckError, Proof, Tried, check};
pub use start::{Asker, StartError, Started, start};

use datamp_sdk::crypto::signatures::Key;

/// What the keyed hashes of codes are made with.
const CODE_KEY: Key<'static> = Key::Own("verification-code");

/// What is hashed: the id keeps a hash from standing for the same code elsewhere.
fn hashed(id: &str, code: &code::Code) -> Vec<u8> {
    format!("{id}:{}", code.as_str()).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_code_is_hashed_differently_for_each_verification() {
        let code = "123456".parse().unwrap();
        assert_ne!(hashed("ver_a", &code), hashed("ver_b", &code));
    }
}
