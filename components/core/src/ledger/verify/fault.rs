//! What is wrong with a ledger, by name.

use std::fmt;

/// The first thing that was found wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The account whose history was checked; `None` where it is about all of them.
    pub account: Option<String>,
    /// The transfer; `None` where it is about the account as a whole.
    pub transfer: Option<String>,
    /// What it is.
    pub kind: FaultKind,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.as_str())?;
        if let FaultKind::SumNotZero { currency } = &self.kind {
            write!(f, " in {currency}")?;
        }
        if let Some(account) = &self.account {
            write!(f, ", account {account}")?;
        }
        if let Some(transfer) = &self.transfer {
            write!(f, ", transfer {transfer}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Fault {}

/// What can be wrong. Where several are, the one that stands first here is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// A transfer names one account twice.
    AccountsNotDifferent,
    /// A transfer is not of the account.
    OtherAccount,
    /// A transfer is not later than the one before it.
    OutOfOrder,
    /// A transfer is in another currency than its account.
    CurrencyMismatch,
    /// A transfer's amount is not one that can be moved.
    AmountOutOfRange,
    /// A transfer is of a kind that there is not.
    UnknownKind,
    /// A transfer resolves a hold that there is not.
    HoldMissing,
    /// A transfer does not fit the hold that it resolves, or resolves one and is not of a kind that does.
    HoldMismatch,
    /// More was captured than was held.
    BeyondHold,
    /// A total left its range; what is pending falls below zero where a hold was resolved twice.
    TotalOutOfRange,
    /// A shop had less than nothing, with what was held.
    Overdrawn,
    /// The balance after a transfer is not what the transfers come to.
    BalanceMismatch,
    /// What was pending after a transfer is not what the transfers come to.
    PendingMismatch,
    /// A transfer has a hash for one account and not for the other.
    HashMissing,
    /// A transfer's hash is not that of its row and of the one before it.
    HashMismatch,
    /// A hold that nothing resolves is not in the list of open holds: it would never expire.
    HoldNotListed,
    /// The list of open holds has what was resolved, or is no hold.
    HoldStillListed,
    /// The list of open holds says another time of expiry than the hold.
    HoldExpiryMismatch,
    /// The account's totals are not what its transfers come to.
    TotalsMismatch,
    /// The account's time is not that of its latest transfer: there is none of that time, or there are later ones.
    TimeMismatch,
    /// The account's head is not the hash of its latest transfer that has one.
    HeadMismatch,
    /// A head that was noted once is not in the account's chain: the chain was made anew.
    HeadLost,
    /// The list of open holds has what is no transfer at all.
    ListedHoldMissing,
    /// All accounts of a currency together have more or less than nothing.
    SumNotZero {
        /// The currency.
        currency: String,
    },
}

impl FaultKind {
    /// Its name.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::AccountsNotDifferent => "accounts-not-different",
            Self::OtherAccount => "other-account",
            Self::OutOfOrder => "out-of-order",
            Self::CurrencyMismatch => "currency-mismatch",
            Self::AmountOutOfRange => "amount-out-of-range",
            Self::UnknownKind => "unknown-kind",
            Self::HoldMissing => "hold-missing",
            Self::HoldMismatch => "hold-mismatch",
            Self::BeyondHold => "beyond-hold",
            Self::TotalOutOfRange => "total-out-of-range",
            Self::Overdrawn => "overdrawn",
            Self::BalanceMismatch => "balance-mismatch",
            Self::PendingMismatch => "pending-mismatch",
            Self::HashMissing => "hash-missing",
            Self::HashMismatch => "hash-mismatch",
            Self::HoldNotListed => "hold-not-listed",
            Self::HoldStillListed => "hold-still-listed",
            Self::HoldExpiryMismatch => "hold-expiry-mismatch",
            Self::TotalsMismatch => "totals-mismatch",
            Self::TimeMismatch => "time-mismatch",
            Self::HeadMismatch => "head-mismatch",
            Self::HeadLost => "head-lost",
            Self::ListedHoldMissing => "listed-hold-missing",
            Self::SumNotZero { .. } => "sum-not-zero",
        }
    }
}
