//! The tables `verification` and `verification_limit`.

use std::time::Duration;

use datamp_models::communication::{EmailAddress, Language, VerificationStatus};
use datamp_sdk::database::{self, Error, Transaction};
use datamp_sdk::{Timestamp, params};
use serde::Deserialize;

use super::attempt::ATTEMPTS;
use super::check::Tried;
use super::limits::{self, Earlier, Origin};
use super::start::Asker;

/// How long a code is kept, for support and for telling abuse.
const KEPT: Duration = Duration::from_hours(30 * 24);

/// A code to be recorded.
pub(super) struct New<'a> {
    pub(super) id: &'a str,
    pub(super) asker: &'a Asker<'a>,
    pub(super) address: &'a EmailAddress,
    pub(super) language: Language,
    pub(super) code_hash: &'a str,
    pub(super) created_at: Timestamp,
    pub(super) expires_at: Timestamp,
}

/// A code that may be tried.
#[derive(Deserialize)]
pub(super) struct Running {
    pub(super) id: String,
    pub(super) subject: Option<String>,
    pub(super) address: String,
    pub(super) code_hash: String,
    pub(super) status: VerificationStatus,
    pub(super) attempts: u32,
    pub(super) expires_at: Timestamp,
}

fn origin_name(origin: Origin) -> &'static str {
    match origin {
        Origin::Component => "component",
        Origin::Client => "client",
    }
}

/// Puts whoever counts against the same limits behind each other, until the transaction ends. The order of the keys is the
/// same everywhere, so two can't wait for each other.
///
/// PostgreSQL's transaction is READ COMMITTED: what the one before has written is seen by the next statement.
pub(super) fn lock(tx: &Transaction, asker: &Asker<'_>, address: &EmailAddress, now: Timestamp) -> Result<(), Error> {
    let address = Some(format!("address:{}", address.key()));
    let network = asker.network().map(|network| format!("network:{network}"));
    let subject = asker.vouched_subject().map(|subject| format!("subject:{subject}"));
    for key in [address, network, subject].into_iter().flatten() {
        tx.execute(
            "INSERT INTO verification_limit (key, touched_at) VALUES ($1, $2) \
             ON CONFLICT (key) DO UPDATE SET touched_at = excluded.touched_at",
            params![key, now],
        )?;
    }
    Ok(())
}

/// The codes since then that went to the same address, were for the same subject or asked for from the same network.
pub(super) fn history(
    tx: &Transaction,
    asker: &Asker<'_>,
    address: &EmailAddress,
    since: Timestamp,
) -> Result<Vec<Earlier>, Error> {
    #[derive(Deserialize)]
    struct Row {
        origin: String,
        subject: Option<String>,
        address_key: String,
        network: Option<String>,
        status: VerificationStatus,
        created_at: Timestamp,
    }

    let key = address.key();
    let network = asker.network().unwrap_or_default();
    let subject = asker.vouched_subject().unwrap_or_default();
    // The newest thousand are more than all limits together let through.
    let rows: Vec<Row> = tx.query(
        "SELECT origin, subject, address_key, network, status, created_at FROM verification \
         WHERE created_at > $1 AND (address_key = $2 OR network = $3 OR (subject = $4 AND origin = 'component')) \
         ORDER BY created_at DESC LIMIT 1000",
        params![since, key, network, subject],
    )?;
    let component = origin_name(Origin::Component);
    let earlier = rows.into_iter().map(|row| Earlier {
        at: row.created_at,
        origin: if row.origin == component { Origin::Component } else { Origin::Client },
        same_recipient: row.address_key == key,
        same_subject: row.origin == component
            && row.subject.is_some()
            && row.subject.as_deref() == asker.vouched_subject(),
        same_network: row.network.is_some() && row.network.as_deref() == asker.network(),
        failed: row.status == VerificationStatus::Failed,
        verified: row.status == VerificationStatus::Verified,
    });
    Ok(earlier.collect())
}

pub(super) fn insert(tx: &Transaction, new: &New<'_>) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO verification (id, origin, subject, channel, address, address_key, network, language, code_hash, status, \
         attempts, created_at, expires_at) VALUES ($1, $2, $3, 'email', $4, $5, $6, $7, $8, 'sending', 0, $9, $10)",
        params![
            new.id,
            origin_name(new.asker.origin()),
            new.asker.subject(),
            new.address.as_str(),
            new.address.key(),
            new.asker.network(),
            new.language.as_str(),
            new.code_hash,
            new.created_at,
            new.expires_at
        ],
    )?;
    Ok(())
}

pub(super) fn mark_sent(id: &str) -> Result<(), Error> {
    // It may have been used in the meantime.
    database::execute("UPDATE verification SET status = 'sent' WHERE id = $1 AND status = 'sending'", params![id])?;
    Ok(())
}

pub(super) fn mark_failed(id: &str) -> Result<(), Error> {
    database::execute("UPDATE verification SET status = 'failed' WHERE id = $1 AND status = 'sending'", params![id])?;
    Ok(())
}

/// Uses the code, unless it was used.
pub(super) fn mark_verified(id: &str, now: Timestamp) -> Result<bool, Error> {
    let changed = database::execute(
        "UPDATE verification SET status = 'verified', verified_at = $2 WHERE id = $1 AND status IN ('sending', 'sent')",
        params![id, now],
    )?;
    Ok(changed == 1)
}

pub(super) fn find(tx: &Transaction, tried: Tried<'_>) -> Result<Option<Running>, Error> {
    match tried {
        // A code that was used is still the newest: it does not bring back the one that it superseded.
        Tried::OfSubject(subject) => tx.query_optional(
            "SELECT id, subject, address, code_hash, status, attempts, expires_at FROM verification \
             WHERE origin = 'component' AND subject = $1 AND channel = 'email' AND status <> 'failed' \
             ORDER BY created_at DESC, id DESC LIMIT 1",
            params![subject],
        ),
        Tried::OfClient(id) => tx.query_optional(
            "SELECT id, subject, address, code_hash, status, attempts, expires_at FROM verification \
             WHERE origin = 'client' AND id = $1",
            params![id],
        ),
    }
}

/// Counts a try, and answers how many there were with it; `None` if there were too many already.
pub(super) fn count_attempt(tx: &Transaction, id: &str) -> Result<Option<u32>, Error> {
    tx.query_optional(
        "UPDATE verification SET attempts = attempts + 1 WHERE id = $1 AND attempts < $2 RETURNING attempts",
        params![id, ATTEMPTS],
    )
}

pub(super) fn forget_old(now: Timestamp) -> Result<(), Error> {
    database::execute("DELETE FROM verification WHERE created_at < $1", params![now - KEPT])?;
    database::execute("DELETE FROM verification_limit WHERE touched_at < $1", params![now - 2 * limits::DAY])?;
    Ok(())
}
