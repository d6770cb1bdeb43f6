//! Members of staff in the database.

use datamp_models::admin::Role;
use datamp_sdk::database::{self, Dialect, Error, Transaction};
use datamp_sdk::{Timestamp, params};
use serde::Deserialize;

/// A member of staff, without the password's hash.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Staff {
    pub(crate) id: String,
    pub(crate) login: String,
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) one_time_until: Option<Timestamp>,
    pub(crate) disabled_at: Option<Timestamp>,
    pub(crate) created_at: Timestamp,
    pub(crate) signed_in_at: Option<Timestamp>,
}

/// What signing in needs to know.
#[derive(Debug, Deserialize)]
pub(crate) struct Credentials {
    pub(crate) id: String,
    pub(crate) password_hash: String,
    pub(crate) one_time_until: Option<i64>,
    pub(crate) disabled_at: Option<i64>,
}

/// A member to add.
#[derive(Debug)]
pub(crate) struct New<'a> {
    pub(crate) id: &'a str,
    pub(crate) login: &'a str,
    pub(crate) name: &'a str,
    pub(crate) role: Role,
    pub(crate) password_hash: &'a str,
    /// Until when the password is good, if it is a one-time password.
    pub(crate) one_time_until: Option<i64>,
    pub(crate) created_by: Option<&'a str>,
}

/// Whether there is anybody.
pub(crate) fn exist() -> Result<bool, Error> {
    let one: Option<String> = database::query_optional("SELECT id FROM staff LIMIT 1", params![])?;
    Ok(one.is_some())
}

pub(crate) fn credentials(login: &str) -> Result<Option<Credentials>, Error> {
    database::query_optional(
        "SELECT id, password_hash, one_time_until, disabled_at FROM staff WHERE login = $1",
        params![login],
    )
}

pub(crate) fn password_hash(id: &str) -> Result<String, Error> {
    database::query_one("SELECT password_hash FROM staff WHERE id = $1", params![id])
}

/// Everybody, those who can sign in first.
pub(crate) fn all() -> Result<Vec<Staff>, Error> {
    database::query(
        "SELECT id, login, name, role, one_time_until, disabled_at, created_at, signed_in_at FROM staff
         ORDER BY CASE WHEN disabled_at IS NULL THEN 0 ELSE 1 END, login LIMIT 1000",
        params![],
    )
}

pub(crate) fn get(id: &str) -> Result<Option<Staff>, Error> {
    database::query_optional(
        "SELECT id, login, name, role, one_time_until, disabled_at, created_at, signed_in_at FROM staff WHERE id = $1",
        params![id],
    )
}

/// [`Error::UniqueViolation`] where the login is taken; so two first admins can't both be the first.
pub(crate) fn add(tx: &Transaction, new: &New<'_>, now: Timestamp) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO staff (id, login, name, role, password_hash, one_time_until, created_by, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        params![
            new.id,
            new.login,
            new.name,
            new.role.as_str(),
            new.password_hash,
            new.one_time_until,
            new.created_by,
            now
        ],
    )?;
    Ok(())
}

/// The member as they are, and everybody who manages staff, locked until the transaction ends: two admins who take the role
/// from each other at once come one after the other. Answers `None` where `actor` may not manage staff any more.
pub(crate) fn lock(tx: &Transaction, actor: &str, id: &str) -> Result<Option<Option<Staff>>, Error> {
    // SQLite has no FOR UPDATE: a transaction that writes is alone there.
    let locking = match database::dialect() {
        Dialect::Sqlite => "",
        Dialect::Postgresql => " FOR UPDATE",
    };
    let admins: Vec<String> = tx.query(
        &format!("SELECT id FROM staff WHERE role = 'admin' AND disabled_at IS NULL ORDER BY id{locking}"),
        params![],
    )?;
    if !admins.iter().any(|admin| admin == actor) {
        return Ok(None);
    }
    let member = tx.query_optional(
        &format!(
            "SELECT id, login, name, role, one_time_until, disabled_at, created_at, signed_in_at FROM staff WHERE id = $1{locking}"
        ),
        params![id],
    )?;
    Ok(Some(member))
}

pub(crate) fn set_role(tx: &Transaction, id: &str, role: Role) -> Result<(), Error> {
    tx.execute("UPDATE staff SET role = $2 WHERE id = $1", params![id, role.as_str()])?;
    Ok(())
}

pub(crate) fn set_disabled(tx: &Transaction, id: &str, at: Option<Timestamp>) -> Result<(), Error> {
    tx.execute("UPDATE staff SET disabled_at = $2 WHERE id = $1", params![id, at])?;
    Ok(())
}

pub(crate) fn set_password(tx: &Transaction, id: &str, hash: &str, one_time_until: Option<i64>) -> Result<(), Error> {
    tx.execute(
        "UPDATE staff SET password_hash = $2, one_time_until = $3 WHERE id = $1",
        params![id, hash, one_time_until],
    )?;
    Ok(())
}

pub(crate) fn note_sign_in(tx: &Transaction, id: &str, now: Timestamp) -> Result<(), Error> {
    tx.execute("UPDATE staff SET signed_in_at = $2 WHERE id = $1", params![id, now])?;
    Ok(())
}
