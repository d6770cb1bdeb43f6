//! Posting, decided in plain memory: no clock, no database, no ids of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use datamp_models::Currency;
use datamp_models::core::{AccountId, AccountKind, AccountStatus, TransferId};
use datamp_models::money::MAX_TOTAL;
use datamp_sdk::Timestamp;
use serde::Deserialize;

use super::posting::{Posting, Refusal, Transfer};

/// By how much the transfers of an account are apart at least: what the database can tell apart.
const TICK: Duration = Duration::from_micros(1);

/// An account, as it was read under its lock.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Whose it is; a shop's can't be overdrawn.
    pub kind: AccountKind,
    /// The currency of all its transfers.
    pub currency: Currency,
    /// Whether it takes part in transfers.
    pub status: AccountStatus,
    /// The sum of all debits, 0 to [`MAX_TOTAL`] minor units.
    pub debits_posted: i64,
    /// The sum of all credits, 0 to [`MAX_TOTAL`] minor units.
    pub credits_posted: i64,
    /// What is held for debits to come, 0 to [`MAX_TOTAL`] minor units.
    pub debits_pending: i64,
    /// The time of its latest transfer; of its opening, if it has none.
    pub posted_at: Timestamp,
}

impl Account {
    /// Credits less debits.
    pub fn balance(&self) -> i64 {
        self.credits_posted - self.debits_posted
    }

    /// What can be debited now: the balance less what is held.
    pub fn available(&self) -> i64 {
        self.balance() - self.debits_pending
    }
}

/// The accounts of a batch, and what the batch did to them.
#[derive(Debug, Default)]
pub struct Book {
    accounts: BTreeMap<AccountId, Account>,
    changed: BTreeSet<AccountId>,
}

impl Book {
    /// A book of accounts that nothing was posted to yet.
    pub fn new(accounts: impl IntoIterator<Item = Account>) -> Self {
        let accounts = accounts.into_iter().map(|account| (account.id.clone(), account)).collect();
        Self { accounts, changed: BTreeSet::new() }
    }

    /// Posts a batch in order, each element seeing what those before it did. `id` makes the id
    /// of a transfer.
    pub fn post_all(
        &mut self,
        postings: &[Posting],
        now: Timestamp,
        mut id: impl FnMut() -> TransferId,
    ) -> Vec<Result<Transfer, Refusal>> {
        postings.iter().map(|posting| self.post(posting, now, &mut id)).collect()
    }

    /// The accounts that were changed, in order of id.
    pub fn changed(&self) -> impl Iterator<Item = &Account> {
        self.changed.iter().filter_map(|id| self.accounts.get(id))
    }

    fn post(
        &mut self,
        posting: &Posting,
        now: Timestamp,
        id: &mut impl FnMut() -> TransferId,
    ) -> Result<Transfer, Refusal> {
        let (debit, credit) = self.decide(posting, now)?;
        let transfer = Transfer {
            id: id(),
            posting: posting.clone(),
            debit_balance: debit.balance(),
            credit_balance: credit.balance(),
            created_at: debit.posted_at,
        };
        for account in [debit, credit] {
            self.changed.insert(account.id.clone());
            self.accounts.insert(account.id.clone(), account);
        }
        Ok(transfer)
    }

    /// Both accounts as the posting leaves them. The order of the checks is the precedence that [`Refusal`] documents.
    fn decide(&self, posting: &Posting, now: Timestamp) -> Result<(Account, Account), Refusal> {
        if posting.debit == posting.credit {
            return Err(Refusal::AccountsMustDiffer);
        }
        let mut debit = self.accounts.get(&posting.debit).cloned().ok_or(Refusal::DebitAccountNotFound)?;
        let mut credit = self.accounts.get(&posting.credit).cloned().ok_or(Refusal::CreditAccountNotFound)?;
        if debit.currency != posting.currency || credit.currency != posting.currency {
            return Err(Refusal::CurrencyMismatch);
        }
        if debit.status == AccountStatus::Closed {
            return Err(Refusal::DebitAccountClosed);
        }
        if credit.status == AccountStatus::Closed {
            return Err(Refusal::CreditAccountClosed);
        }
        if debit.status == AccountStatus::Frozen {
            return Err(Refusal::DebitAccountFrozen);
        }
        let amount = posting.amount.minor_units();
        if debit.kind == AccountKind::Shop && debit.available() < amount {
            return Err(Refusal::InsufficientFunds);
        }
        debit.debits_posted = total(debit.debits_posted, amount).ok_or(Refusal::DebitTotalExceeded)?;
        credit.credits_posted = total(credit.credits_posted, amount).ok_or(Refusal::CreditTotalExceeded)?;

        // Times order the transfers of an account, so a clock that stands still or goes back must not be believed.
        let created_at = now.max(debit.posted_at + TICK).max(credit.posted_at + TICK);
        debit.posted_at = created_at;
        credit.posted_at = created_at;
        Ok((debit, credit))
    }
}

/// A total with an amount added, if it stays in range.
fn total(total: i64, amount: i64) -> Option<i64> {
    total.checked_add(amount).filter(|total| *total <= MAX_TOTAL)
}

#[cfg(test)]
mod tests;
