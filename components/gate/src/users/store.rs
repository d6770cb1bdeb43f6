//! The tables `platform_user` and `user_event`.

use datamp_models::communication::{EmailAddress, Language};
use datamp_models::gate::{UserEventId, UserState};
use datamp_sdk::database::{self, Dialect, Error, Transaction};
use datamp_sdk::{Timestamp, id, params};

use super::life::Life;
use super::{Cause, User};

/// A user to be made.
pub(super) struct New<'a> {
    pub(super) id: &'a str,
    pub(super) email: &'a EmailAddress,
    pub(super) password_hash: &'a str,
    pub(super) language: Language,
}

/// The user with an address.
pub fn find_by_email(email: &EmailAddress) -> Result<Option<User>, Error> {
    database::query_optional(
        "SELECT id, email, password_hash, contested, language, state, suspended_from FROM platform_user WHERE email_key = $1",
        params![email.key()],
    )
}

/// The user as it is now, and as it stays until the transaction ends.
pub(super) fn lock(tx: &Transaction, user: &str) -> Result<User, Error> {
    // SQLite's writer is alone, and knows no FOR UPDATE.
    let statement = match database::dialect() {
        Dialect::Sqlite => {
            "SELECT id, email, password_hash, contested, language, state, suspended_from FROM platform_user WHERE id = $1"
        }
        Dialect::Postgresql => {
            "SELECT id, email, password_hash, contested, language, state, suspended_from FROM platform_user WHERE id = $1 FOR UPDATE"
        }
    };
    tx.query_one(statement, params![user])
}

/// Makes a user, unless the address is taken.
pub(super) fn insert(tx: &Transaction, new: &New<'_>, now: Timestamp) -> Result<bool, Error> {
    let inserted = tx.execute(
        "INSERT INTO platform_user (id, email, email_key, password_hash, contested, language, state, state_since, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8) ON CONFLICT (email_key) DO NOTHING",
        params![
            new.id,
            new.email.as_str(),
            new.email.key(),
            new.password_hash,
            false,
            new.language.as_str(),
            Life::BEGINNING.state().as_str(),
            now
        ],
    )?;
    Ok(inserted == 1)
}

/// Sets the password of a user who has proven nothing yet, unless something has changed.
pub(super) fn set_password(tx: &Transaction, user: &User, hash: &str, contested: bool) -> Result<bool, Error> {
    let changed = tx.execute(
        "UPDATE platform_user SET password_hash = $2, contested = $3 \
         WHERE id = $1 AND state = 'registered' AND COALESCE(password_hash, '') = $4",
        params![user.id, hash, contested, user.password_hash.as_deref().unwrap_or_default()],
    )?;
    Ok(changed == 1)
}

/// The password is nobody's any more, and no longer contested.
pub(super) fn drop_password(tx: &Transaction, user: &str) -> Result<(), Error> {
    tx.execute("UPDATE platform_user SET password_hash = NULL, contested = $2 WHERE id = $1", params![user, false])?;
    Ok(())
}

/// The password is the owner's.
pub(super) fn settle(tx: &Transaction, user: &str) -> Result<(), Error> {
    tx.execute("UPDATE platform_user SET contested = $2 WHERE id = $1", params![user, false])?;
    Ok(())
}

/// Moves a user from one state to another, unless they are no longer in the first.
pub(super) fn move_on(tx: &Transaction, user: &str, from: Life, to: Life, now: Timestamp) -> Result<bool, Error> {
    let changed = tx.execute(
        "UPDATE platform_user SET state = $3, suspended_from = $4, state_since = $5 WHERE id = $1 AND state = $2",
        params![user, from.state().as_str(), to.state().as_str(), to.suspended_from().map(UserState::as_str), now],
    )?;
    Ok(changed == 1)
}

pub(super) fn insert_event(
    tx: &Transaction,
    user: &str,
    kind: &str,
    (from, to): (Option<UserState>, Option<UserState>),
    cause: &Cause<'_>,
    now: Timestamp,
) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO user_event (id, user_id, kind, from_state, to_state, actor, reason, client_address, request_id, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        params![
            id::new(UserEventId::PREFIX),
            user,
            kind,
            from.map(UserState::as_str),
            to.map(UserState::as_str),
            cause.actor,
            cause.reason,
            cause.client_address,
            cause.request_id,
            now
        ],
    )?;
    Ok(())
}
