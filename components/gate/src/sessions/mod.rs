//! Sessions: what a login begins, refreshes go on with, and a logout or a theft ends.

pub mod access;
pub mod refresh_token;
pub mod rotation;
mod store;
pub mod web;

use std::time::Duration;

use datamp_models::gate::{Client, SessionId};
use datamp_sdk::database::Transaction;
use datamp_sdk::{Problem, Timestamp, database, id, log};

use self::refresh_token::RefreshToken;
use self::rotation::{Decision, Family, Refusal};
use crate::users::life;
use crate::users::{self, Cause};

/// How many sessions a user may have at once; a login beyond ends the oldest.
const MOST_PER_USER: u32 = 50;

/// How often a refresh looks again when another one was quicker.
const ATTEMPTS: u32 = 3;

/// A login, to be recorded.
#[derive(Clone, Copy, Debug)]
pub struct Login<'a> {
    /// Who logs in.
    pub user: &'a str,
    /// With what.
    pub client: Client,
    /// What the client calls its device.
    pub device: Option<&'a str>,
    /// Where from.
    pub client_address: &'a str,
}

/// A running session, as its client needs it.
#[derive(Clone, Debug)]
pub struct Session {
    /// `ses_…`.
    pub id: String,
    /// Whose it is.
    pub user: String,
    /// With what.
    pub client: Client,
    /// The place of the active refresh token.
    pub sequence: i64,
    /// When it ends, however often it is refreshed.
    pub expires_at: Timestamp,
}

impl Session {
    /// The active refresh token.
    pub fn refresh_token(&self) -> Result<String, Problem> {
        Ok(RefreshToken { session: self.id.clone(), sequence: self.sequence }.sign()?)
    }

    /// How long it goes on, at most.
    pub fn remaining(&self, now: Timestamp) -> Duration {
        self.expires_at.duration_since(now)
    }
}

/// Begins a session, in the transaction of the login.
pub fn begin(tx: &Transaction, login: Login<'_>, now: Timestamp) -> Result<Session, database::Error> {
    let session = Session {
        id: id::new(SessionId::PREFIX),
        user: login.user.to_owned(),
        client: login.client,
        sequence: 1,
        expires_at: now + rotation::LIFETIME,
    };
    store::insert(tx, &session, login, now)?;
    store::end_oldest(tx, login.user, MOST_PER_USER, now)?;
    Ok(session)
}

/// What came with a request to refresh or to end a session.
#[derive(Clone, Debug)]
pub struct Presented<'a> {
    /// The refresh token.
    pub token: RefreshToken,
    /// How it came: in a cookie is for web, in a body for mobile.
    pub client: Client,
    /// What the app calls its device: the same as at its login. A browser says nothing.
    pub device: Option<&'a str>,
}

/// Every reason not to go on is the same to the client: it is to log in again.
pub fn not_taken() -> Problem {
    Problem::new(401, "invalid-refresh-token", "The session has ended").detail("Log in again.")
}

/// Goes on with a session: the answer holds the active refresh token.
pub fn refresh(presented: &Presented<'_>, cause: &Cause<'_>) -> Result<Session, Problem> {
    for _ in 0..ATTEMPTS {
        let now = Timestamp::now();
        let row = store::find(&presented.token.session)?.ok_or_else(not_taken)?;
        let is_elsewhere = row.client == Client::Mobile && row.device.as_deref() != presented.device;
        if row.client != presented.client || is_elsewhere {
            log::warn!("a refresh token came from elsewhere"; session.id = presented.token.session);
            return Err(not_taken());
        }
        let family = Family {
            sequence: row.sequence,
            rotated_at: row.rotated_at,
            expires_at: row.expires_at,
            revoked: row.revoked_at.is_some(),
        };
        let sequence = match rotation::decide(&family, presented.token.sequence, now) {
            Decision::Rotate => {
                users::shut_out(life::may_enter(row.state))?;
                if !store::rotate(&presented.token.session, family.sequence, now)? {
                    // Another one with the same token was quicker: it is the token before by now.
                    continue;
                }
                family.sequence + 1
            }
            Decision::AnswerActive => {
                users::shut_out(life::may_enter(row.state))?;
                family.sequence
            }
            Decision::EndFamily => {
                log::warn!("a refresh token was used twice"; session.id = presented.token.session, user.id = row.user_id);
                database::transaction(|tx| {
                    store::end(tx, &presented.token.session, "refresh-token-reused", now)?;
                    users::record(tx, &row.user_id, "refresh-token-reused", cause, now)
                })?;
                return Err(not_taken());
            }
            Decision::Refuse(refusal) => {
                if refusal == Refusal::Unknown {
                    log::error!("a refresh token is newer than the database"; session.id = presented.token.session);
                }
                return Err(not_taken());
            }
        };
        return Ok(Session {
            id: presented.token.session.clone(),
            user: row.user_id,
            client: row.client,
            sequence,
            expires_at: family.expires_at,
        });
    }
    Err(Problem::unavailable("The session is being refreshed by others at once. Try again."))
}

/// Ends a session at its user's wish. One that has ended is left as it is.
pub fn end(session: &str) -> Result<(), Problem> {
    Ok(database::transaction(|tx| store::end(tx, session, "logout", Timestamp::now()))?)
}

/// Ends all sessions of a user.
pub fn end_all(tx: &Transaction, user: &str, because: &str, now: Timestamp) -> Result<(), database::Error> {
    store::end_all(tx, user, because, now)
}
