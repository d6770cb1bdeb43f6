//! The table `user_session`.

use datamp_models::gate::{Client, UserState};
use datamp_sdk::database::{self, Error, Transaction};
use datamp_sdk::{Timestamp, params};
use serde::Deserialize;

use super::access::{Claims, SignedIn};
use super::{Login, Session};

/// A session and where its user stands.
#[derive(Deserialize)]
pub(super) struct Row {
    pub(super) user_id: String,
    pub(super) client: Client,
    pub(super) device: Option<String>,
    pub(super) sequence: i64,
    pub(super) rotated_at: Timestamp,
    pub(super) expires_at: Timestamp,
    pub(super) revoked_at: Option<Timestamp>,
    pub(super) state: UserState,
}

pub(super) fn insert(tx: &Transaction, session: &Session, login: Login<'_>, now: Timestamp) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO user_session (id, user_id, client, device, client_address, sequence, rotated_at, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8)",
        params![
            session.id,
            login.user,
            login.client.as_str(),
            login.device,
            login.client_address,
            session.sequence,
            now,
            session.expires_at
        ],
    )?;
    Ok(())
}

pub(super) fn find(session: &str) -> Result<Option<Row>, Error> {
    database::query_optional(
        "SELECT s.user_id, s.client, s.device, s.sequence, s.rotated_at, s.expires_at, s.revoked_at, u.state \
         FROM user_session s JOIN platform_user u ON u.id = s.user_id WHERE s.id = $1",
        params![session],
    )
}

/// The session and the user of an access token, if the session goes on.
pub(super) fn signed_in(claims: &Claims, now: Timestamp) -> Result<Option<SignedIn>, Error> {
    database::query_optional(
        "SELECT u.id AS user_id, u.email, u.language, u.state, u.created_at, s.id AS session_id, s.client, s.device \
         FROM user_session s JOIN platform_user u ON u.id = s.user_id \
         WHERE s.id = $1 AND s.user_id = $2 AND s.revoked_at IS NULL AND s.expires_at > $3",
        params![claims.sid, claims.sub, now],
    )
}

/// Makes the next token the active one, unless another request has.
pub(super) fn rotate(session: &str, sequence: i64, now: Timestamp) -> Result<bool, Error> {
    let changed = database::execute(
        "UPDATE user_session SET sequence = sequence + 1, rotated_at = $3 WHERE id = $1 AND sequence = $2 AND revoked_at IS NULL",
        params![session, sequence, now],
    )?;
    Ok(changed == 1)
}

pub(super) fn end(tx: &Transaction, session: &str, because: &str, now: Timestamp) -> Result<(), Error> {
    tx.execute(
        "UPDATE user_session SET revoked_at = $2, revoked_because = $3 WHERE id = $1 AND revoked_at IS NULL",
        params![session, now, because],
    )?;
    Ok(())
}

pub(super) fn end_all(tx: &Transaction, user: &str, because: &str, now: Timestamp) -> Result<(), Error> {
    tx.execute(
        "UPDATE user_session SET revoked_at = $2, revoked_because = $3 WHERE user_id = $1 AND revoked_at IS NULL",
        params![user, now, because],
    )?;
    Ok(())
}

/// Ends all but the newest sessions of a user.
pub(super) fn end_oldest(tx: &Transaction, user: &str, keep: u32, now: Timestamp) -> Result<(), Error> {
    tx.execute(
        "UPDATE user_session SET revoked_at = $2, revoked_because = 'too-many' WHERE user_id = $1 AND revoked_at IS NULL \
         AND id NOT IN (SELECT id FROM user_session WHERE user_id = $1 AND revoked_at IS NULL \
         ORDER BY created_at DESC, id DESC LIMIT $3)",
        params![user, now, keep],
    )?;
    Ok(())
}
