//! What the ledger answers.

use datamp_models::core::{AccountId, TransferCode, TransferId, TransferKind};
use datamp_models::{Amount, Currency};
use datamp_sdk::Timestamp;

use super::account::Account;
use super::chain::Hash;
use super::refusal::Refusal;

/// What became of a posting.
pub type Answer = Result<Posted, Refusal>;

/// A posting that had its effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Posted {
    /// It had it now.
    Made(Transfer),
    /// It had it before: this posting was asked for again, with the same id.
    Existed(Transfer),
}

impl Posted {
    /// The transfer.
    pub fn transfer(&self) -> &Transfer {
        match self {
            Self::Made(transfer) | Self::Existed(transfer) => transfer,
        }
    }

    /// The transfer, if it was made now.
    pub fn made(&self) -> Option<&Transfer> {
        match self {
            Self::Made(transfer) => Some(transfer),
            Self::Existed(_) => None,
        }
    }
}

/// A transfer that was made. It never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Its id.
    pub id: TransferId,
    /// What it did to its accounts.
    pub kind: TransferKind,
    /// The account that gave; of what resolves a hold, the hold's.
    pub debit: AccountId,
    /// The account that received; of what resolves a hold, the hold's.
    pub credit: AccountId,
    /// What was moved or reserved; of a void and an expiry, what was released.
    pub amount: Amount,
    /// The currency of both accounts.
    pub currency: Currency,
    /// What it was for; of what resolves a hold, the hold's.
    pub code: TransferCode,
    /// What caused it; of what resolves a hold, the hold's.
    pub reference: String,
    /// The hold that it resolved.
    pub pending_id: Option<TransferId>,
    /// The transfer that it corrected.
    pub reversal_of: Option<TransferId>,
    /// When it lapses, if it is a hold that does.
    pub expires_at: Option<Timestamp>,
    /// The account that gave, after it.
    pub debit_after: After,
    /// The account that received, after it.
    pub credit_after: After,
    /// Later than every earlier transfer of either account.
    pub created_at: Timestamp,
}

/// An account after a transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct After {
    /// Credits less debits posted, in minor units.
    pub balance: i64,
    /// What is held for debits to come, in minor units. `None` where the code of a release before holds made the transfer.
    pub debits_pending: Option<i64>,
    /// What is held elsewhere for credits to come, in minor units. `None` as above.
    pub credits_pending: Option<i64>,
    /// The transfer's place in the account's chain. `None` where the code of a release before chains made the transfer.
    pub hash: Option<Hash>,
}

impl After {
    /// As the account is now; its place in the chain is not known yet.
    pub fn of(account: &Account) -> Self {
        Self {
            balance: account.totals.balance(),
            debits_pending: Some(account.totals.debits_pending),
            credits_pending: Some(account.totals.credits_pending),
            hash: None,
        }
    }
}
