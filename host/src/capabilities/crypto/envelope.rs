//! How keys and secrets lie in the store: AES-256-GCM (NIST SP 800-38D) under the master key.
//!
//! An envelope is base64 of a version byte, a random 96-bit nonce, and the ciphertext with its tag. The associated data
//! names what is inside, so a row that is copied over another one does not open.

use aes_gcm::{
    Aes256Gcm, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use zeroize::Zeroizing;

use super::random::{self, NoRandomness};

const VERSION: u8 = 1;
const NONCE_BYTES: usize = 12;

/// The key that everything in the store is sealed under.
pub struct MasterKey(Aes256Gcm);

/// A sealed value does not open.
#[derive(Debug, thiserror::Error)]
#[error(
    "a sealed value can't be opened: it was sealed under another master key, for something else, or it was changed"
)]
pub struct Unsealable;

impl MasterKey {
    /// The master key that consists of these bytes.
    #[must_use]
    pub fn new(bytes: &[u8; 32]) -> Self {
        Self(Aes256Gcm::new(bytes.into()))
    }

    /// Seals a value under what it is: the same names must be given to open it.
    pub(crate) fn seal(&self, names: &[&str], value: &[u8]) -> Result<String, NoRandomness> {
        let nonce = random::bytes::<NONCE_BYTES>()?;
        let payload = Payload { msg: value, aad: &associated_data(names) };
        // Encryption fails only beyond 64 GiB, which no key or secret has.
        let ciphertext = self.0.encrypt(&Nonce::from(*nonce), payload).map_err(|_| NoRandomness)?;
        let envelope = [&[VERSION], nonce.as_slice(), &ciphertext].concat();
        Ok(BASE64_STANDARD.encode(envelope))
    }

    /// Opens what was sealed under the same names.
    pub(crate) fn open(&self, names: &[&str], sealed: &str) -> Result<Zeroizing<Vec<u8>>, Unsealable> {
        let envelope = BASE64_STANDARD.decode(sealed).map_err(|_| Unsealable)?;
        let Some((&VERSION, rest)) = envelope.split_first() else { return Err(Unsealable) };
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(Unsealable)?;
        let payload = Payload { msg: ciphertext, aad: &associated_data(names) };
        self.0.decrypt(&Nonce::from(*nonce), payload).map(Zeroizing::new).map_err(|_| Unsealable)
    }
}

/// Each name after its length: no two lists of names give the same bytes.
fn associated_data(names: &[&str]) -> Vec<u8> {
    names.iter().flat_map(|name| (name.len() as u64).to_be_bytes().into_iter().chain(name.bytes())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_opens_under_its_own_names_only() {
        let master = MasterKey::new(&[7; 32]);
        let sealed = master.seal(&["key", "core", "token"], b"value").unwrap();
        assert_eq!(master.open(&["key", "core", "token"], &sealed).unwrap().as_slice(), b"value");
        for names in [
            &["key", "gate", "token"][..],
            &["key", "core", "signature"],
            &["secret", "core", "token"],
            &["key", "core"],
            &["key", "core", "token", ""],
            &["key", "coretoken"],
            &["keycore", "token"],
        ] {
            assert!(master.open(names, &sealed).is_err(), "{names:?}");
        }
        assert!(MasterKey::new(&[8; 32]).open(&["key", "core", "token"], &sealed).is_err());
    }

    #[test]
    fn a_changed_or_truncated_envelope_does_not_open() {
        let master = MasterKey::new(&[7; 32]);
        let sealed = BASE64_STANDARD.decode(master.seal(&["a"], b"value").unwrap()).unwrap();
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert!(master.open(&["a"], &BASE64_STANDARD.encode(changed)).is_err(), "byte {index}");
            assert!(master.open(&["a"], &BASE64_STANDARD.encode(&sealed[..index])).is_err(), "cut at {index}");
        }
        assert!(master.open(&["a"], "no base64!").is_err());
    }

    #[test]
    fn the_same_value_is_never_sealed_alike() {
        let master = MasterKey::new(&[7; 32]);
        assert_ne!(master.seal(&["a"], b"value").unwrap(), master.seal(&["a"], b"value").unwrap());
    }
}
