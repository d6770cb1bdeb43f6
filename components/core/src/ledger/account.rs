//! An account, as posting sees it.

use datamp_models::Currency;
use datamp_models::core::{AccountId, AccountKind, AccountStatus};
use datamp_sdk::Timestamp;
use serde::{Deserialize, Serialize};

use super::chain::Hash;

/// An account, as it was read under its lock.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "Columns")]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Whose it is; a shop's can't be overdrawn.
    pub kind: AccountKind,
    /// The currency of all its transfers.
    pub currency: Currency,
    /// Whether it takes part in transfers.
    pub status: AccountStatus,
    /// Its totals.
    pub totals: Totals,
    /// The hash of its latest transfer that is in its chain.
    pub chain_head: Option<Hash>,
    /// The time of its latest transfer; of its opening, if it has none.
    pub posted_at: Timestamp,
}

/// Its row. Nothing in it is flattened, for which serde would copy each of thousands of rows once more.
#[derive(Deserialize)]
struct Columns {
    id: AccountId,
    kind: AccountKind,
    currency: Currency,
    status: AccountStatus,
    debits_posted: i64,
    credits_posted: i64,
    debits_pending: i64,
    credits_pending: i64,
    chain_head: Option<Hash>,
    posted_at: Timestamp,
}

impl From<Columns> for Account {
    fn from(row: Columns) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            currency: row.currency,
            status: row.status,
            totals: Totals {
                debits_posted: row.debits_posted,
                credits_posted: row.credits_posted,
                debits_pending: row.debits_pending,
                credits_pending: row.credits_pending,
            },
            chain_head: row.chain_head,
            posted_at: row.posted_at,
        }
    }
}

/// The sums of an account's transfers, each 0 to [`datamp_models::money::MAX_TOTAL`] minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// All that was debited.
    pub debits_posted: i64,
    /// All that was credited.
    pub credits_posted: i64,
    /// What is held for debits to come.
    pub debits_pending: i64,
    /// What is held elsewhere for credits to come.
    pub credits_pending: i64,
}

impl Totals {
    /// Credits less debits.
    pub fn balance(&self) -> i64 {
        self.credits_posted - self.debits_posted
    }

    /// What can be debited now: the balance less what is held. Credits to come can't be spent.
    pub fn available(&self) -> i64 {
        self.balance() - self.debits_pending
    }
}
