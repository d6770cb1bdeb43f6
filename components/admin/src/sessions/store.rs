//! Sessions and failed attempts in the database.

use datamp_models::admin::Role;
use datamp_sdk::database::{self, Error, Transaction};
use datamp_sdk::{Timestamp, params};
use serde::Deserialize;

use super::lifetime;
use super::throttle::{self, About};

/// A session with the member of staff it belongs to; all of theirs is `None` while the first admin sets up.
#[derive(Debug, Deserialize)]
pub(crate) struct Row {
    pub(crate) created_at: i64,
    pub(crate) seen_at: i64,
    pub(crate) notice: Option<String>,
    pub(crate) staff_id: Option<String>,
    pub(crate) login: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) role: Option<Role>,
    pub(crate) one_time_until: Option<i64>,
    pub(crate) disabled_at: Option<i64>,
}

/// The session of a token's hash.
pub(crate) fn find(hash: &str) -> Result<Option<Row>, Error> {
    database::query_optional(
        "SELECT session.created_at, session.seen_at, session.notice, session.staff_id,
                staff.login, staff.name, staff.role, staff.one_time_until, staff.disabled_at
         FROM staff_session AS session LEFT JOIN staff ON staff.id = session.staff_id
         WHERE session.token_hash = $1",
        params![hash],
    )
}

/// Opens a session, of nobody while the first admin sets up. Clears away the ones that are over.
pub(crate) fn open(tx: &Transaction, hash: &str, staff: Option<&str>, now: Timestamp) -> Result<(), Error> {
    let now = now.as_micros();
    tx.execute(
        "DELETE FROM staff_session WHERE created_at < $1 OR seen_at < $2",
        params![now - lifetime::ABSOLUTE, now - lifetime::IDLE],
    )?;
    tx.execute(
        "INSERT INTO staff_session (token_hash, staff_id, created_at, seen_at) VALUES ($1, $2, $3, $3)",
        params![hash, staff, now],
    )?;
    Ok(())
}

/// Notes down that a session was used.
pub(crate) fn note(hash: &str, now: Timestamp) -> Result<(), Error> {
    database::execute("UPDATE staff_session SET seen_at = $2 WHERE token_hash = $1", params![hash, now])?;
    Ok(())
}

/// Leaves a message for the session's next page, or takes it away.
pub(crate) fn leave_notice(hash: &str, notice: Option<&str>) -> Result<(), Error> {
    database::execute("UPDATE staff_session SET notice = $2 WHERE token_hash = $1", params![hash, notice])?;
    Ok(())
}

/// Ends one session.
pub(crate) fn close(tx: &Transaction, hash: &str) -> Result<(), Error> {
    tx.execute("DELETE FROM staff_session WHERE token_hash = $1", params![hash])?;
    Ok(())
}

/// Ends all sessions of a member of staff; answers how many there were.
pub(crate) fn close_all(tx: &Transaction, staff: &str) -> Result<u64, Error> {
    tx.execute("DELETE FROM staff_session WHERE staff_id = $1", params![staff])
}

/// Ends all sessions of a member of staff but this one; answers how many there were.
pub(crate) fn close_others(tx: &Transaction, staff: &str, hash: &str) -> Result<u64, Error> {
    tx.execute("DELETE FROM staff_session WHERE staff_id = $1 AND token_hash <> $2", params![staff, hash])
}

/// Ends the sessions that were setting up, once somebody has.
pub(crate) fn close_setups(tx: &Transaction) -> Result<(), Error> {
    tx.execute("DELETE FROM staff_session WHERE staff_id IS NULL", params![])?;
    Ok(())
}

/// Counts one attempt to sign in, before the password is looked at, so that attempts made at once don't slip through.
/// Answers the seconds to wait where it is too early.
pub(crate) fn count_attempt(
    tx: &Transaction,
    about: About,
    subject: &str,
    now: Timestamp,
) -> Result<Option<u32>, Error> {
    let now = now.as_micros();
    let blocked: Option<i64> = tx.query_optional(
        "SELECT blocked_until FROM staff_login_throttle WHERE subject = $1 AND blocked_until > $2",
        params![subject, now],
    )?;
    if let Some(until) = blocked {
        let seconds = until.saturating_sub(now).div_euclid(1_000_000) + 1;
        return Ok(Some(u32::try_from(seconds).unwrap_or(u32::MAX)));
    }
    let failures: i64 = tx.query_one(
        "INSERT INTO staff_login_throttle (subject, failures, failed_at, blocked_until) VALUES ($1, 1, $2, 0)
         ON CONFLICT (subject) DO UPDATE SET
             failures = CASE WHEN staff_login_throttle.failed_at < $3 THEN 1 ELSE staff_login_throttle.failures + 1 END,
             failed_at = excluded.failed_at
         RETURNING failures",
        params![subject, now, now - throttle::REMEMBERED],
    )?;
    let until = now + i64::from(throttle::delay(about, failures)) * 1_000_000;
    tx.execute("UPDATE staff_login_throttle SET blocked_until = $2 WHERE subject = $1", params![subject, until])?;
    Ok(None)
}

/// Forgets the failures of a login that succeeded, takes the one attempt back from its address, and clears away what is old.
pub(crate) fn forgive(tx: &Transaction, login: &str, address: &str, now: Timestamp) -> Result<(), Error> {
    tx.execute("DELETE FROM staff_login_throttle WHERE subject = $1", params![login])?;
    tx.execute(
        "UPDATE staff_login_throttle SET failures = failures - 1, blocked_until = 0 WHERE subject = $1 AND failures > 0",
        params![address],
    )?;
    tx.execute(
        "DELETE FROM staff_login_throttle WHERE failed_at < $1",
        params![now.as_micros() - throttle::REMEMBERED],
    )?;
    Ok(())
}
