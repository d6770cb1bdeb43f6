//! Secrets that the manifest names. Never log one.

use crate::Problem;
/// Why there is no secret.
pub use crate::bindings::datamp::config::secrets::SecretError;
/// The value of a secret.
pub use crate::bindings::datamp::config::secrets::reveal;

impl From<SecretError> for Problem {
    fn from(error: SecretError) -> Self {
        match error {
            SecretError::NotGranted(name) => Self::internal(format_args!("the secret {name} is not granted")),
            SecretError::NotSet(name) => Self::internal(format_args!("the secret {name} has no value")),
            SecretError::Unavailable(words) => {
                crate::log::warn!("secrets: {}", words);
                Self::unavailable("A secret can't be had right now. Try again.")
            }
        }
    }
}
