//! `datamp:config`: a component's settings, its secrets, and the place it runs in.

mod host;
mod secrets;

pub use host::add_to_linker;
pub(crate) use host::reveal;
pub use secrets::{GeneratedSecret, SecretInfo, SecretStoreError, Secrets};
