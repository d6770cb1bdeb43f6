//! Access tokens: EdDSA JWTs, short-lived, sent with every request of web and mobile.
//!
//! Anybody can verify one by the JWK Set. This service also looks the session up, so that a logout, a suspension or a
//! stolen refresh token ends access at once and not ten minutes later.

use std::time::Duration;

use datamp_models::communication::Language;
use datamp_models::gate::{Client, UserState};
use datamp_sdk::crypto::tokens::{self, TokenError};
use datamp_sdk::{Bearer, FromRequest, Params, Problem, Request, Timestamp, config, environment};
use serde::{Deserialize, Serialize};

use super::{Session, store};
use crate::users::{self, life};

const AUDIENCE: &str = "datamp";

/// The setting, and what it may be.
const LIFETIME_SETTING: &str = "access-token-lifetime";
const LIFETIMES: std::ops::RangeInclusive<u64> = 60..=3600;

/// What a token says; the host adds `iat` and `exp`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claims {
    /// The public address of this service.
    pub iss: String,
    /// `datamp`.
    pub aud: String,
    /// The user.
    pub sub: String,
    /// The session.
    pub sid: String,
    /// With what the user is logged in.
    pub client: Client,
}

/// A token to be handed out.
#[derive(Clone, Debug)]
pub struct AccessToken {
    /// The JWT.
    pub token: String,
    /// How long it is good.
    pub lifetime: Duration,
}

/// Makes an access token for a session.
pub fn issue(session: &Session) -> Result<AccessToken, Problem> {
    let seconds: u64 = config::parse(LIFETIME_SETTING)?;
    let lifetime = Duration::from_secs(seconds.clamp(*LIFETIMES.start(), *LIFETIMES.end()));
    let claims = Claims {
        iss: format!("{}/gate", environment::describe().public_url),
        aud: AUDIENCE.to_owned(),
        sub: session.user.clone(),
        sid: session.id.clone(),
        client: session.client,
    };
    Ok(AccessToken { token: tokens::sign(&claims, lifetime)?, lifetime })
}

/// A user who is logged in: what a handler takes that is for users alone.
#[derive(Clone, Debug, Deserialize)]
pub struct SignedIn {
    /// The user's id.
    pub user_id: String,
    /// The user's address.
    pub email: String,
    /// The language that the user is written to in.
    pub language: Language,
    /// Where the user stands.
    pub state: UserState,
    /// When the user registered.
    pub created_at: Timestamp,
    /// The session's id.
    pub session_id: String,
    /// With what the user is logged in.
    pub client: Client,
    /// What the client calls its device.
    pub device: Option<String>,
}

impl FromRequest for SignedIn {
    fn from_request(request: &Request, params: &Params) -> Result<Self, Problem> {
        let Bearer(token) = Bearer::from_request(request, params)?;
        let claims = match tokens::verify::<Claims>(&token) {
            Ok(claims) if claims.aud == AUDIENCE => claims,
            // A token of this component's keys that is no access token.
            Ok(_) | Err(TokenError::InvalidClaims(_)) => return Err(Problem::unauthorized("The token is not valid.")),
            Err(error) => return Err(error.into()),
        };
        let signed_in = store::signed_in(&claims, Timestamp::now())?
            .ok_or_else(|| Problem::unauthorized("The session has ended. Log in again."))?;
        users::shut_out(life::may_enter(signed_in.state))?;
        Ok(signed_in)
    }

    fn is_present(request: &Request, params: &Params) -> bool {
        Bearer::is_present(request, params)
    }
}
