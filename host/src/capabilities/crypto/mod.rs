//! `datamp:crypto`: passwords, tokens and signatures. Keys never enter a sandbox.

mod envelope;
mod host;
mod keyring;
mod master_key;
mod passwords;
pub(crate) mod random;
mod signatures;
mod tokens;

#[cfg(test)]
pub(crate) mod test_store;
#[cfg(test)]
mod tests;

pub use envelope::{MasterKey, Unsealable};
pub use host::add_to_linker;
pub use keyring::{KeyError, Keyring};
pub use master_key::MasterKeyError;
pub use passwords::{HashError, MAXIMAL_PASSWORD, PasswordHasher, PasswordSettings};
pub use random::NoRandomness;
pub use tokens::MAXIMAL_LIFETIME;
