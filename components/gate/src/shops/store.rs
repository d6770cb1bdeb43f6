//! The tables `membership` and `shop_creation`.

use datamp_models::gate::{MembershipState, Role};
use datamp_sdk::database::{self, Error, Transaction};
use datamp_sdk::{Timestamp, params};
use serde::Deserialize;

use super::creation::MOST_SHOPS;

/// A user in a shop that is there.
#[derive(Deserialize)]
pub(super) struct Membership {
    pub(super) shop_id: String,
    pub(super) role: Role,
}

/// A shop that was asked for.
#[derive(Debug, Deserialize)]
pub(super) struct Creation {
    pub(super) shop_id: String,
    pub(super) user_id: String,
    pub(super) name: String,
    pub(super) currency: String,
    /// The answer that was given, JSON.
    pub(super) answer: Option<String>,
}

/// The role of a user in a shop that is there.
pub(super) fn role(shop: &str, user: &str) -> Result<Option<Role>, Error> {
    database::query_optional(
        "SELECT role FROM membership WHERE shop_id = $1 AND user_id = $2 AND state = 'active'",
        params![shop, user],
    )
}

/// The newest first: ids sort by the time that they were made.
pub(super) fn of_user(user: &str) -> Result<Vec<Membership>, Error> {
    database::query(
        "SELECT shop_id, role FROM membership WHERE user_id = $1 AND state = 'active' ORDER BY shop_id DESC LIMIT 1000",
        params![user],
    )
}

/// How many shops a user owns, those that are being created too.
pub(super) fn owned(tx: &Transaction, user: &str) -> Result<i64, Error> {
    tx.query_one(
        "SELECT COUNT(*) FROM membership WHERE user_id = $1 AND role = $2",
        params![user, Role::Owner.as_str()],
    )
}

/// Writes down what was asked, unless the key was used.
pub(super) fn begin(tx: &Transaction, creation: &Creation, key: &str, now: Timestamp) -> Result<bool, Error> {
    let inserted = tx.execute(
        "INSERT INTO shop_creation (shop_id, user_id, idempotency_key, name, currency, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (user_id, idempotency_key) DO NOTHING",
        params![creation.shop_id, creation.user_id, key, creation.name, creation.currency, now],
    )?;
    Ok(inserted == 1)
}

pub(super) fn add_member(tx: &Transaction, shop: &str, user: &str, role: Role, now: Timestamp) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO membership (shop_id, user_id, role, state, created_at) VALUES ($1, $2, $3, $4, $5)",
        params![shop, user, role.as_str(), MembershipState::Creating.as_str(), now],
    )?;
    Ok(())
}

pub(super) fn find(tx: &Transaction, user: &str, key: &str) -> Result<Creation, Error> {
    tx.query_one(
        "SELECT shop_id, user_id, name, currency, answer FROM shop_creation WHERE user_id = $1 AND idempotency_key = $2",
        params![user, key],
    )
}

/// Marks the shop as there, keeps the answer, unless there is one, and tells it.
pub(super) fn finish(tx: &Transaction, shop: &str, user: &str, answer: &str) -> Result<String, Error> {
    let answer = tx.query_one(
        "UPDATE shop_creation SET answer = COALESCE(answer, $2) WHERE shop_id = $1 RETURNING answer",
        params![shop, answer],
    )?;
    tx.execute(
        "UPDATE membership SET state = $3 WHERE shop_id = $1 AND user_id = $2",
        params![shop, user, MembershipState::Active.as_str()],
    )?;
    Ok(answer)
}

/// Forgets a shop that core refused.
pub(super) fn forget(tx: &Transaction, shop: &str, user: &str) -> Result<(), Error> {
    tx.execute(
        "DELETE FROM membership WHERE shop_id = $1 AND user_id = $2 AND state = 'creating'",
        params![shop, user],
    )?;
    tx.execute("DELETE FROM shop_creation WHERE shop_id = $1 AND answer IS NULL", params![shop])?;
    Ok(())
}

/// What a user asked for and did not get.
pub(super) fn interrupted(user: &str) -> Result<Vec<Creation>, Error> {
    database::query(
        "SELECT c.shop_id, c.user_id, c.name, c.currency, c.answer FROM membership m \
         JOIN shop_creation c ON c.shop_id = m.shop_id AND c.user_id = m.user_id \
         WHERE m.user_id = $1 AND m.state = 'creating' ORDER BY c.shop_id LIMIT $2",
        params![user, MOST_SHOPS],
    )
}
