//! HMAC-SHA-256 (RFC 2104), with keys of the host's making or secrets shared with somebody outside.

use hmac::{KeyInit, Mac as _};

use super::keyring::{Mac, Ring};
use crate::telemetry::clock::now_micros;

/// A key to sign or verify with.
pub(crate) enum SignatureKey {
    Own(std::sync::Arc<Ring<Mac>>),
    Shared(Box<Mac>),
}

impl SignatureKey {
    /// The key that a secret's UTF-8 bytes are.
    pub(crate) fn shared(secret: &str) -> Option<Self> {
        Mac::new_from_slice(secret.as_bytes()).ok().map(|mac| Self::Shared(Box::new(mac)))
    }

    /// The 32 bytes of the code over a message, by the newest key.
    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 32] {
        let mac = match self {
            Self::Own(ring) => ring.newest().key.clone(),
            Self::Shared(mac) => Mac::clone(mac),
        };
        mac.chain_update(message).finalize().into_bytes().into()
    }

    /// Whether it is the message's code by any of the keys that are good; each comparison takes constant time.
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        let made_by = |mac: &Mac| mac.clone().chain_update(message).verify_slice(signature).is_ok();
        match self {
            Self::Own(ring) => ring.good(now_micros()).any(|key| made_by(&key.key)),
            Self::Shared(mac) => made_by(mac),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_rfc_4231() {
        for (key, message, code) in [
            (
                &b"\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b"[..],
                &b"Hi There"[..],
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            ),
            (
                b"Jefe",
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
        ] {
            let key = SignatureKey::shared(std::str::from_utf8(key).unwrap()).unwrap();
            assert_eq!(hex::encode(key.sign(message)), code);
            assert!(key.verify(message, &hex::decode(code).unwrap()));
            assert!(!key.verify(b"other", &hex::decode(code).unwrap()));
            assert!(!key.verify(message, &[]));
        }
    }
}
