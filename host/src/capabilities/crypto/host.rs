//! `datamp:crypto` as components call it.

use std::sync::Arc;

use ed25519_dalek::SigningKey;
use tokio::time::{Instant, timeout_at};
use wasmtime::component::{HasSelf, Linker};

use super::{
    keyring::{KeyError, Ring},
    passwords::HashError,
    signatures::SignatureKey,
    tokens::{self, Refused},
};
use crate::{
    bindings::platform::datamp::{
        config::secrets::SecretError,
        crypto::{
            passwords::{self, PasswordError},
            signatures::{self, Key, SignatureError},
            tokens::{self as wit_tokens, TokenError},
        },
    },
    capabilities::config,
    engine::{ComponentContext, InstanceState},
    telemetry::clock::now_micros,
};

/// Links `datamp:crypto`.
///
/// # Errors
/// The linker has one of the interfaces already.
pub fn add_to_linker(linker: &mut Linker<InstanceState>) -> wasmtime::Result<()> {
    passwords::add_to_linker::<_, HasSelf<InstanceState>>(linker, |state| state)?;
    wit_tokens::add_to_linker::<_, HasSelf<InstanceState>>(linker, |state| state)?;
    signatures::add_to_linker::<_, HasSelf<InstanceState>>(linker, |state| state)
}

impl From<HashError> for PasswordError {
    fn from(error: HashError) -> Self {
        match error {
            HashError::TooLong => Self::TooLong,
            HashError::InvalidHash => Self::InvalidHash,
            HashError::Busy => Self::Busy,
        }
    }
}

impl passwords::Host for InstanceState {
    async fn hash(&mut self, password: String) -> wasmtime::Result<Result<String, PasswordError>> {
        let passwords = &self.component.capabilities.platform.passwords;
        Ok(passwords.hash(password, self.call.deadline).await.map_err(Into::into))
    }

    async fn verify(&mut self, password: String, hash: String) -> wasmtime::Result<Result<bool, PasswordError>> {
        let passwords = &self.component.capabilities.platform.passwords;
        Ok(passwords.verify(password, &hash, self.call.deadline).await.map_err(Into::into))
    }

    async fn verify_nothing(&mut self, password: String) -> wasmtime::Result<Result<(), PasswordError>> {
        let passwords = &self.component.capabilities.platform.passwords;
        Ok(passwords.verify_nothing(password, self.call.deadline).await.map_err(Into::into))
    }
}

/// What a component is told when its keys can't be had; the log is told why.
fn told(component: &str, error: &KeyError) -> String {
    match error {
        KeyError::InvalidName(_) | KeyError::TooMany => error.to_string(),
        KeyError::Store(_) | KeyError::Unsealable { .. } | KeyError::Random(_) => {
            tracing::error!(component, %error, "a component's keys can't be had");
            "the key store can't be reached".to_owned()
        }
    }
}

/// A component has one set of keys for its tokens.
const TOKENS: &str = "";

fn now() -> i64 {
    now_micros().div_euclid(1_000_000)
}

type Tokens = Arc<Ring<SigningKey>>;

async fn token_keys(component: &ComponentContext) -> Result<Tokens, TokenError> {
    let name = component.manifest.name.as_str();
    let ring = component.capabilities.platform.keyring.ring(name, TOKENS).await;
    ring.map_err(|error| TokenError::Unavailable(told(name, &error)))
}

async fn verify_token(component: &ComponentContext, token: &str) -> Result<String, TokenError> {
    let ring = token_keys(component).await?;
    let mut verified = tokens::verify(&ring, token, now());
    if verified == Err(Refused::UnknownKey) {
        let name = component.manifest.name.as_str();
        let fresh = component.capabilities.platform.keyring.recheck(&ring, name, TOKENS).await;
        if let Some(fresh) = fresh.map_err(|error| TokenError::Unavailable(told(name, &error)))? {
            verified = tokens::verify(&fresh, token, now());
        }
    }
    verified.map_err(|refused| match refused {
        Refused::UnknownKey | Refused::Invalid => TokenError::InvalidToken,
        Refused::Expired => TokenError::Expired,
    })
}

async fn signature_key(component: &ComponentContext, key: Key) -> Result<SignatureKey, SignatureError> {
    match key {
        Key::Own(key) => {
            let name = component.manifest.name.as_str();
            let ring = component.capabilities.platform.keyring.ring(name, &key).await;
            ring.map(SignatureKey::Own).map_err(|error| match error {
                KeyError::InvalidName(_) | KeyError::TooMany => SignatureError::UnknownKey(error.to_string()),
                error => SignatureError::Unavailable(told(name, &error)),
            })
        }
        Key::Secret(name) => {
            let secret = config::reveal(component, &name).await.map_err(|error| match error {
                SecretError::NotGranted(_) | SecretError::NotSet(_) => SignatureError::UnknownKey(name),
                SecretError::Unavailable(words) => SignatureError::Unavailable(words),
            })?;
            SignatureKey::shared(&secret).ok_or_else(|| SignatureError::Unavailable("the secret is no key".to_owned()))
        }
    }
}

/// Waits no longer than the call may take.
async fn in_time<T, E>(
    deadline: Instant,
    work: impl Future<Output = Result<T, E>>,
    unavailable: fn(String) -> E,
) -> wasmtime::Result<Result<T, E>> {
    let done = timeout_at(deadline, work).await;
    Ok(done.unwrap_or_else(|_| Err(unavailable("the key store did not answer in time".to_owned()))))
}

impl wit_tokens::Host for InstanceState {
    async fn sign(&mut self, claims: String, lifetime: u32) -> wasmtime::Result<Result<String, TokenError>> {
        let keys = in_time(self.call.deadline, token_keys(&self.component), TokenError::Unavailable).await?;
        Ok(keys.and_then(|ring| tokens::sign(&ring, &claims, lifetime, now()).map_err(TokenError::InvalidClaims)))
    }

    async fn verify(&mut self, token: String) -> wasmtime::Result<Result<String, TokenError>> {
        in_time(self.call.deadline, verify_token(&self.component, &token), TokenError::Unavailable).await
    }

    async fn public_keys(&mut self) -> wasmtime::Result<Result<String, TokenError>> {
        let keys = in_time(self.call.deadline, token_keys(&self.component), TokenError::Unavailable).await?;
        Ok(keys.map(|ring| tokens::public_keys(&ring, now())))
    }
}

impl signatures::Host for InstanceState {
    async fn sign(&mut self, key: Key, message: Vec<u8>) -> wasmtime::Result<Result<Vec<u8>, SignatureError>> {
        let key = signature_key(&self.component, key);
        let key = in_time(self.call.deadline, key, SignatureError::Unavailable).await?;
        Ok(key.map(|key| key.sign(&message).to_vec()))
    }

    async fn verify(
        &mut self,
        key: Key,
        message: Vec<u8>,
        signature: Vec<u8>,
    ) -> wasmtime::Result<Result<bool, SignatureError>> {
        let key = signature_key(&self.component, key);
        let key = in_time(self.call.deadline, key, SignatureError::Unavailable).await?;
        Ok(key.map(|key| key.verify(&message, &signature)))
    }
}
