//! Cryptography whose keys never enter the sandbox, and randomness.

/// `N` random bytes that nobody can guess.
///
/// # Panics
///
/// When the system has no randomness, which a host always has.
#[allow(clippy::panic, reason = "going on with bytes that can be guessed would be worse")]
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if let Err(error) = getrandom::fill(&mut bytes) {
        panic!("no randomness: {error}");
    }
    bytes
}

/// Passwords, by argon2id (RFC 9106), computed by the host on a bounded queue.
pub mod passwords {
    use crate::Problem;
    pub use crate::bindings::datamp::crypto::passwords::{PasswordError, hash, verify, verify_nothing};

    impl From<PasswordError> for Problem {
        fn from(error: PasswordError) -> Self {
            match error {
                PasswordError::TooLong => Self::unprocessable("A password takes at most 1,024 bytes."),
                PasswordError::Busy => Self::unavailable("Too many are signing in. Try again."),
                PasswordError::InvalidHash => Self::internal("a stored password hash is malformed"),
            }
        }
    }
}

/// JSON Web Tokens signed with EdDSA, by a key that the host makes and keeps for this component.
pub mod tokens {
    use std::time::Duration;

    use serde::Serialize;
    use serde::de::DeserializeOwned;

    pub use crate::bindings::datamp::crypto::tokens::TokenError;
    use crate::{Problem, bindings::datamp::crypto::tokens};

    /// Signs claims, which serialise to a JSON object. `iat` is set to now and `exp` to `lifetime` later: whole seconds,
    /// at most a day.
    pub fn sign<T: Serialize + ?Sized>(claims: &T, lifetime: Duration) -> Result<String, TokenError> {
        let claims = serde_json::to_string(claims).map_err(|error| TokenError::InvalidClaims(error.to_string()))?;
        tokens::sign(&claims, u32::try_from(lifetime.as_secs()).unwrap_or(u32::MAX))
    }

    /// The claims of a token that this component signed and that is still good.
    /// [`TokenError::InvalidClaims`] where it is good and its claims do not fit `T`.
    pub fn verify<T: DeserializeOwned>(token: &str) -> Result<T, TokenError> {
        let claims = tokens::verify(token)?;
        serde_json::from_str(&claims).map_err(|error| TokenError::InvalidClaims(error.to_string()))
    }

    /// The public keys as a JWK Set (RFC 7517), for others to verify with.
    pub fn public_keys() -> Result<String, TokenError> {
        tokens::public_keys()
    }

    impl From<TokenError> for Problem {
        fn from(error: TokenError) -> Self {
            match error {
                TokenError::InvalidToken => Self::unauthorized("The token is not valid."),
                TokenError::Expired => Self::unauthorized("The token has expired."),
                TokenError::InvalidClaims(words) => Self::internal(format_args!("claims of a token: {words}")),
                TokenError::Unavailable(words) => {
                    crate::log::warn!("tokens: {}", words);
                    Self::unavailable("Tokens can't be handled right now. Try again.")
                }
            }
        }
    }
}

/// HMAC-SHA-256 (RFC 2104) with keys that the host keeps.
pub mod signatures {
    pub use crate::bindings::datamp::crypto::signatures::SignatureError;
    use crate::{Problem, bindings::datamp::crypto::signatures};

    /// Which key.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Key<'a> {
        /// One that the host makes on first use and keeps for this component, under this name.
        Own(&'a str),
        /// A secret of the manifest's `secrets`, shared with somebody outside; its UTF-8 bytes are the key.
        Secret(&'a str),
    }

    impl Key<'_> {
        fn raw(self) -> signatures::Key {
            match self {
                Self::Own(name) => signatures::Key::Own(name.to_owned()),
                Self::Secret(name) => signatures::Key::Secret(name.to_owned()),
            }
        }
    }

    /// The 32 bytes of the code over a message.
    pub fn sign(key: Key<'_>, message: &[u8]) -> Result<Vec<u8>, SignatureError> {
        signatures::sign(&key.raw(), message)
    }

    /// Whether it is the message's code; compared in constant time.
    pub fn verify(key: Key<'_>, message: &[u8], signature: &[u8]) -> Result<bool, SignatureError> {
        signatures::verify(&key.raw(), message, signature)
    }

    impl From<SignatureError> for Problem {
        fn from(error: SignatureError) -> Self {
            match error {
                SignatureError::UnknownKey(name) => Self::internal(format_args!("no key to sign with: {name}")),
                SignatureError::Unavailable(words) => {
                    crate::log::warn!("signatures: {}", words);
                    Self::unavailable("Signatures can't be handled right now. Try again.")
                }
            }
        }
    }
}
