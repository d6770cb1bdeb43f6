//! Holds whose time is over.

use datamp_models::core::TransferId;
use datamp_sdk::database::{self, Transaction};
use datamp_sdk::{Timestamp, params};

use super::posting::Posting;
use super::store::{self, MAX_BATCH};
use super::transfer::{Answer, Posted};

/// Nothing is locked here: what another transaction resolves meanwhile is refused by the posting.
const DUE: &str = "SELECT id FROM open_hold WHERE expires_at <= $1 ORDER BY expires_at, id LIMIT $2";

/// What a run has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expired {
    /// The holds that were found due, with what became of each. One that is refused was resolved by another meanwhile.
    pub holds: Vec<(TransferId, Answer)>,
    /// Whether there may be more that are due: as many were found as were asked for.
    pub more: bool,
}

impl Expired {
    /// How many holds expired now.
    pub fn count(&self) -> usize {
        self.holds.iter().filter(|(_, answer)| answer.as_ref().is_ok_and(|posted| posted.made().is_some())).count()
    }
}

/// Resolves holds whose time was over at `now`, those that have waited longest first, at most `limit` of them
/// (and at most [`MAX_BATCH`]). It may be called by several at once, and again at any time.
pub fn expire(tx: &Transaction, now: Timestamp, limit: usize) -> Result<Expired, database::Error> {
    let limit = limit.min(MAX_BATCH);
    let due: Vec<TransferId> = tx.query(DUE, params![now, i64::try_from(limit).unwrap_or(i64::MAX)])?;
    let postings: Vec<_> = due.iter().cloned().map(Posting::expiry).collect();
    let answers: Vec<Result<Posted, _>> = if postings.is_empty() { Vec::new() } else { store::post(tx, &postings)? };
    let more = limit > 0 && due.len() == limit;
    Ok(Expired { holds: due.into_iter().zip(answers).collect(), more })
}
