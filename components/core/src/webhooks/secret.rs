//! The secrets that webhooks are signed with, and the signatures (Standard Webhooks 1.0.0, symmetric).
//!
//! No secret is kept. It is HMAC-SHA-256 of the endpoint's id and its secret's number, under a key that the host makes for core and never
//! shows: it can be made again to sign, and neither a copy of the database nor this component's memory before that is enough to
//! forge a signature.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use datamp_models::webhooks::WebhookEndpointId;
use datamp_sdk::crypto::signatures::{self, Key, SignatureError};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// The name of core's own key for them. Rotating it would change the secrets of all endpoints at once: rotate theirs.
const KEY: Key<'static> = Key::Own("webhook-secrets");

/// The secret of an endpoint: 32 bytes. Its `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Secret {
    /// Makes the secret with this number (from 1) of an endpoint. To be done outside of transactions: the host writes the key when it is
    /// first used.
    pub fn of(endpoint: &WebhookEndpointId, version: i64) -> Result<Self, SignatureError> {
        signatures::sign(KEY, format!("{endpoint}/{version}").as_bytes()).map(Self)
    }

    /// As receivers take it: `whsec_` and base64.
    pub fn reveal(&self) -> String {
        format!("whsec_{}", STANDARD.encode(&self.0))
    }

    /// The signature of one message: `v1,` and base64.
    fn sign(&self, id: &str, timestamp: i64, body: &str) -> Option<String> {
        let mut code = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        code.update(format!("{id}.{timestamp}.{body}").as_bytes());
        Some(format!("v1,{}", STANDARD.encode(code.finalize().into_bytes())))
    }
}

/// The value of `webhook-signature`: a signature by each secret, with a space between them. `timestamp` is in seconds.
pub fn signatures(secrets: &[Secret], id: &str, timestamp: i64, body: &str) -> String {
    secrets.iter().filter_map(|secret| secret.sign(id, timestamp, body)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The specification's own example.
    #[test]
    fn a_signature_is_the_specifications() {
        let secret = Secret(STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap());
        let (id, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", r#"{"test": 2432232314}"#);
        let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(signatures(std::slice::from_ref(&secret), id, 1_614_265_330, body), signature);
        let both = signatures(&[secret.clone(), secret], id, 1_614_265_330, body);
        assert_eq!(both, format!("{signature} {signature}"));
    }

    #[test]
    fn a_secret_is_told_as_receivers_take_it_and_not_by_accident() {
        let secret = Secret(vec![0xff; 32]);
        assert_eq!(secret.reveal(), "whsec_//////////////////////////////////////////8=");
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }
}
