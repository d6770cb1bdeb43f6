//! What the ledger is asked to do, and what it answers.

use std::fmt;

use datamp_models::core::{AccountId, Owner, TransferCode, TransferId};
use datamp_models::{Amount, Currency};
use datamp_sdk::Timestamp;

/// A transfer that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    /// The account that gives.
    pub debit: AccountId,
    /// The account that receives.
    pub credit: AccountId,
    /// How much.
    pub amount: Amount,
    /// The currency, which must be that of both accounts.
    pub currency: Currency,
    /// What it is for.
    pub code: TransferCode,
    /// The id of the top-up or payment that causes it.
    pub reference: String,
}

impl Posting {
    /// A posting between the accounts that two owners have in a currency.
    pub fn between(
        debit: &Owner,
        credit: &Owner,
        amount: Amount,
        currency: Currency,
        code: TransferCode,
        reference: &str,
    ) -> Self {
        Self {
            debit: AccountId::of(debit, currency),
            credit: AccountId::of(credit, currency),
            amount,
            currency,
            code,
            reference: reference.to_owned(),
        }
    }
}

/// A transfer that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Its id.
    pub id: TransferId,
    /// What was asked for.
    pub posting: Posting,
    /// Credits less debits posted of the debit account after it, in minor units.
    pub debit_balance: i64,
    /// Credits less debits posted of the credit account after it, in minor units.
    pub credit_balance: i64,
    /// Later than every earlier transfer of either account.
    pub created_at: Timestamp,
}

/// Why a posting was refused. Where several hold, the one that stands first here is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// Debit and credit name one account.
    AccountsMustDiffer,
    /// There is no such account to debit.
    DebitAccountNotFound,
    /// There is no such account to credit.
    CreditAccountNotFound,
    /// An account is in another currency than the posting.
    CurrencyMismatch,
    /// The account to debit is closed.
    DebitAccountClosed,
    /// The account to credit is closed.
    CreditAccountClosed,
    /// The account to debit is frozen. (A frozen account is credited: money that came is not lost.)
    DebitAccountFrozen,
    /// The shop's account does not have that much available.
    InsufficientFunds,
    /// The debits of an account would pass [`datamp_models::money::MAX_TOTAL`].
    DebitTotalExceeded,
    /// The credits of an account would pass [`datamp_models::money::MAX_TOTAL`].
    CreditTotalExceeded,
}

impl Refusal {
    /// Its name, for problems and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AccountsMustDiffer => "accounts-must-differ",
            Self::DebitAccountNotFound => "debit-account-not-found",
            Self::CreditAccountNotFound => "credit-account-not-found",
            Self::CurrencyMismatch => "currency-mismatch",
            Self::DebitAccountClosed => "debit-account-closed",
            Self::CreditAccountClosed => "credit-account-closed",
            Self::DebitAccountFrozen => "debit-account-frozen",
            Self::InsufficientFunds => "insufficient-funds",
            Self::DebitTotalExceeded => "debit-total-exceeded",
            Self::CreditTotalExceeded => "credit-total-exceeded",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
