//! API keys, by which shops call the public API.
//!
//! A key is told once, when it is made. What is kept is an HMAC of it whose own key stays with the host, so that neither a
//! copy of the database nor this component's memory is enough to find keys that work.
//!
//! A key may do what its [scopes](scopes) say, until it is revoked or its end has come. It is *rotated* by a new one with the same
//! name and scopes: the old one works for a while longer, so that programs can change over one by one.

pub mod api;
pub mod scopes;
pub mod secret;
pub mod store;

use datamp_models::core::{ApiKeyId, ShopId};
use datamp_sdk::crypto::signatures::{self, Key};
use datamp_sdk::{Problem, Timestamp, crypto};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id;
use crate::text::Text;
use scopes::Scopes;
use secret::Secret;

/// How many keys of a shop may be live at once: enough to rotate, not enough to lose sight of.
pub const MAX_LIVE: i64 = 50;

/// What people call a key.
pub type KeyName = Text<100>;

/// A key as it is listed. Its secret is not among what is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// The shop that it speaks for.
    #[serde(skip_serializing)]
    pub shop_id: ShopId,
    /// What people call it.
    #[schemars(extend("examples" = ["Checkout"]))]
    pub name: String,
    /// The first characters of its secret.
    #[schemars(extend("examples" = ["dmp_live_4fQ2"]))]
    pub prefix: String,
    /// What it may do.
    pub scopes: Scopes,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends; `None` for never.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// Since when it does not work any more.
    pub revoked_at: Option<Timestamp>,
}

/// A key that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewKey {
    /// The shop that it is to speak for.
    pub shop: ShopId,
    /// What people call it: a [`KeyName`].
    pub name: String,
    /// What it may do.
    pub scopes: Scopes,
    /// When it ends; `None` for never.
    pub expires_at: Option<Timestamp>,
}

/// A key that is to be made, with its secret, which is told once.
#[derive(Clone, Debug)]
pub struct Draft {
    /// What will be listed of it.
    pub api_key: ApiKey,
    /// What to send as `Authorization: Bearer`.
    pub secret: Secret,
    /// What will be kept of the secret.
    hash: String,
}

impl Draft {
    /// Draws a key. To be done outside of transactions: the host keeps the HMAC's own key in the same database, and writes
    /// it there when it is first used, which would wait for a transaction that waits for it.
    pub fn new(new: NewKey) -> Result<Self, Problem> {
        let secret = Secret::from_random(crypto::random_bytes());
        let api_key = ApiKey {
            id: id::fresh(),
            shop_id: new.shop,
            name: new.name,
            prefix: secret.prefix().to_owned(),
            scopes: new.scopes,
            created_at: Timestamp::now(),
            expires_at: new.expires_at,
            last_used_at: None,
            revoked_at: None,
        };
        Ok(Self { api_key, hash: hash(&secret)?, secret })
    }
}

/// Why a key is not made. Where several hold, the one that stands first is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such shop.
    ShopNotFound,
    /// The shop is closed.
    ShopClosed,
    /// The key that is to be replaced was revoked, or has expired.
    NotLive,
    /// It has [`MAX_LIVE`] keys that work.
    TooMany,
}

/// What is kept of a secret, in hex.
pub fn hash(secret: &Secret) -> Result<String, Problem> {
    Ok(hex::encode(signatures::sign(Key::Own("api-keys"), secret.reveal().as_bytes())?))
}
