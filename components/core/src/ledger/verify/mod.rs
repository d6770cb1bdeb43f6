//! Whether the history is what it was: every link of every chain, every balance, and that nothing was made or lost.
//!
//! Nothing here reads a database. Accounts are walked one by one: [`Walk::new`] takes an account's row, [`Walk::page`] its
//! transfers in order, as many at a time as suits, and [`Walk::finish`] compares with what the row says. The row is read first and
//! the transfers only up to its time, all of which were there with it and never change; so no lock and no long transaction
//! is needed while the ledger is in use. [`check_sums`] takes the sums over all accounts, of one moment. [`audit`] does all of it, part by
//! part, and [`command`] is what an operator calls it by.

pub mod audit;
pub mod command;
mod fault;
pub mod store;

use datamp_models::money::{MAX_AMOUNT, MAX_TOTAL};
use serde::{Deserialize, Serialize};

use super::account::Totals;
use super::chain::{self, Hash};
use super::record::Record;

pub use fault::{Fault, FaultKind};

/// An account as its row has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRow {
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub kind: String,
    /// Its currency.
    pub currency: String,
    /// Its totals.
    #[serde(flatten)]
    pub totals: Totals,
    /// The head of its chain.
    pub chain_head: Option<String>,
    /// When it was opened, in microseconds since the epoch.
    pub created_at: i64,
    /// The time of its latest transfer, of its opening if it has none; in microseconds since the epoch.
    pub posted_at: i64,
    /// Whether it has a transfer that is later than that; read with the row, since one may be made at any time after it.
    pub has_later: bool,
}

/// A transfer as its row has it, with the hold that it refers to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TransferRow {
    /// The row.
    #[serde(flatten)]
    pub record: Record<'static>,
    /// The kind of the transfer that `pending_id` names; this and the rest are `None` if there is none.
    pub hold_kind: Option<String>,
    /// Its amount.
    pub hold_amount: Option<i64>,
    /// Its debit account.
    pub hold_debit_account_id: Option<String>,
    /// Its credit account.
    pub hold_credit_account_id: Option<String>,
    /// Its time, in microseconds since the epoch.
    pub hold_created_at: Option<i64>,
    /// Whether another transfer resolves this one.
    pub is_resolved: bool,
    /// Whether it is in the list of open holds, of the same moment.
    pub is_listed: bool,
    /// When it expires by that list, in microseconds since the epoch.
    pub listed_until: Option<i64>,
}

/// How far the check of an account has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Walk {
    account: String,
    currency: String,
    is_shop: bool,
    head: Option<Hash>,
    totals: Totals,
    at: Option<i64>,
    transfers: u64,
    unsealed: u64,
}

/// Which side of a transfer an account is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Debit,
    Credit,
}

impl Walk {
    /// The beginning of an account's history.
    pub fn new(account: &AccountRow) -> Self {
        Self {
            account: account.id.clone(),
            currency: account.currency.clone(),
            is_shop: account.kind == "shop",
            head: None,
            totals: Totals::default(),
            at: None,
            transfers: 0,
            unsealed: 0,
        }
    }

    /// The time of the last transfer that was checked, in microseconds since the epoch: the next page begins after it.
    pub fn at(&self) -> Option<i64> {
        self.at
    }

    /// The head of the chain so far.
    pub fn head(&self) -> Option<&Hash> {
        self.head.as_ref()
    }

    /// How many transfers were checked.
    pub fn transfers(&self) -> u64 {
        self.transfers
    }

    /// How many of them have no hash, since the code of a release before chains made them: of those, what they moved is
    /// vouched for, and not their other columns.
    pub fn unsealed(&self) -> u64 {
        self.unsealed
    }

    /// Checks the next transfers of the account.
    ///
    /// # Errors
    /// The first fault. The walk is of no use after it.
    pub fn page(&mut self, rows: &[TransferRow]) -> Result<(), Fault> {
        rows.iter().try_for_each(|row| {
            self.step(row).map_err(|kind| Fault {
                account: Some(self.account.clone()),
                transfer: Some(row.record.id.to_string()),
                kind,
            })
        })
    }

    /// Compares the whole history with what the account's row says of it.
    ///
    /// # Errors
    /// The first fault.
    pub fn finish(&self, account: &AccountRow) -> Result<(), Fault> {
        let fault = |kind| Err(Fault { account: Some(self.account.clone()), transfer: None, kind });
        if self.totals != account.totals {
            return fault(FaultKind::TotalsMismatch);
        }
        if self.at.unwrap_or(account.created_at) != account.posted_at || account.has_later {
            return fault(FaultKind::TimeMismatch);
        }
        if self.head.map(|head| head.to_string()) != account.chain_head {
            return fault(FaultKind::HeadMismatch);
        }
        Ok(())
    }

    fn step(&mut self, row: &TransferRow) -> Result<(), FaultKind> {
        let record = &row.record;
        let side = self.side(record)?;
        if self.at.is_some_and(|at| record.created_at <= at) {
            return Err(FaultKind::OutOfOrder);
        }
        if record.currency != self.currency {
            return Err(FaultKind::CurrencyMismatch);
        }
        if !(1..=MAX_AMOUNT).contains(&record.amount) {
            return Err(FaultKind::AmountOutOfRange);
        }
        let (posted, pending) = effect(row)?;
        self.add(side, posted, pending)?;
        self.check_after(side, record)?;
        self.seal(side, record)?;
        check_list(row)?;
        self.at = Some(record.created_at);
        self.transfers += 1;
        Ok(())
    }

    fn side(&self, record: &Record<'_>) -> Result<Side, FaultKind> {
        match (record.debit_account_id == self.account, record.credit_account_id == self.account) {
            (true, false) => Ok(Side::Debit),
            (false, true) => Ok(Side::Credit),
            (true, true) => Err(FaultKind::AccountsNotDifferent),
            (false, false) => Err(FaultKind::OtherAccount),
        }
    }

    fn add(&mut self, side: Side, posted: i64, pending: i64) -> Result<(), FaultKind> {
        let totals = &mut self.totals;
        let (of_posted, of_pending) = match side {
            Side::Debit => (&mut totals.debits_posted, &mut totals.debits_pending),
            Side::Credit => (&mut totals.credits_posted, &mut totals.credits_pending),
        };
        for (total, more) in [(of_posted, posted), (of_pending, pending)] {
            let sum = total.checked_add(more).filter(|sum| (0..=MAX_TOTAL).contains(sum));
            *total = sum.ok_or(FaultKind::TotalOutOfRange)?;
        }
        if self.is_shop && totals.available() < 0 {
            return Err(FaultKind::Overdrawn);
        }
        Ok(())
    }

    /// Whether the transfer says of the account what its history comes to.
    fn check_after(&self, side: Side, record: &Record<'_>) -> Result<(), FaultKind> {
        let (balance, debits_pending, credits_pending) = match side {
            Side::Debit => (record.debit_balance, record.debit_debits_pending, record.debit_credits_pending),
            Side::Credit => (record.credit_balance, record.credit_debits_pending, record.credit_credits_pending),
        };
        if balance != self.totals.balance() {
            return Err(FaultKind::BalanceMismatch);
        }
        let said = |told: Option<i64>, total| told.is_none_or(|told| told == total);
        if !said(debits_pending, self.totals.debits_pending) || !said(credits_pending, self.totals.credits_pending) {
            return Err(FaultKind::PendingMismatch);
        }
        Ok(())
    }

    fn seal(&mut self, side: Side, record: &Record<'_>) -> Result<(), FaultKind> {
        let hash = match (side, &record.debit_hash, &record.credit_hash) {
            (_, None, None) => {
                // The next link, or the head in the account's row, tells whether there never was a hash.
                self.unsealed += 1;
                return Ok(());
            }
            (Side::Debit, Some(hash), Some(_)) | (Side::Credit, Some(_), Some(hash)) => hash,
            _ => return Err(FaultKind::HashMissing),
        };
        let link = chain::link(self.head.as_ref(), &self.account, &self.totals, &chain::canonical(record));
        if link.to_string() != **hash {
            return Err(FaultKind::HashMismatch);
        }
        self.head = Some(link);
        Ok(())
    }
}

/// Whether the list of open holds has what is one, and nothing else.
fn check_list(row: &TransferRow) -> Result<(), FaultKind> {
    let is_open = row.record.kind == "hold" && !row.is_resolved;
    match (is_open, row.is_listed) {
        (true, false) => Err(FaultKind::HoldNotListed),
        (false, true) => Err(FaultKind::HoldStillListed),
        (true, true) if row.listed_until != row.record.expires_at => Err(FaultKind::HoldExpiryMismatch),
        _ => Ok(()),
    }
}

/// By how much a transfer changes what is posted and what is pending, on either side.
fn effect(row: &TransferRow) -> Result<(i64, i64), FaultKind> {
    let record = &row.record;
    if record.pending_id.is_some() != matches!(&*record.kind, "capture" | "void" | "expiry") {
        return Err(FaultKind::HoldMismatch);
    }
    match &*record.kind {
        "posted" => Ok((record.amount, 0)),
        "hold" => Ok((0, record.amount)),
        "capture" => {
            let held = held(row)?;
            if record.amount > held { Err(FaultKind::BeyondHold) } else { Ok((record.amount, -held)) }
        }
        "void" | "expiry" => {
            let held = held(row)?;
            if record.amount == held { Ok((0, -held)) } else { Err(FaultKind::HoldMismatch) }
        }
        _ => Err(FaultKind::UnknownKind),
    }
}

/// What the hold of a transfer reserved.
fn held(row: &TransferRow) -> Result<i64, FaultKind> {
    let record = &row.record;
    let (Some(amount), Some("hold")) = (row.hold_amount, row.hold_kind.as_deref()) else {
        return Err(FaultKind::HoldMissing);
    };
    let same = row.hold_debit_account_id.as_deref() == Some(&*record.debit_account_id)
        && row.hold_credit_account_id.as_deref() == Some(&*record.credit_account_id)
        && row.hold_created_at.is_some_and(|at| at < record.created_at)
        && (1..=MAX_AMOUNT).contains(&amount);
    if same { Ok(amount) } else { Err(FaultKind::HoldMismatch) }
}

/// The sums over all accounts of a currency, in minor units.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Sums {
    /// The currency.
    pub currency: String,
    /// Credits less debits posted.
    pub posted: i64,
    /// Credits less debits pending.
    pub pending: i64,
}

/// Checks that nothing was made or lost: what one account gave, another has.
///
/// # Errors
/// The first fault, which names the currency.
pub fn check_sums(sums: &[Sums]) -> Result<(), Fault> {
    match sums.iter().find(|sums| (sums.posted, sums.pending) != (0, 0)) {
        None => Ok(()),
        Some(sums) => Err(Fault {
            account: None,
            transfer: None,
            kind: FaultKind::SumNotZero { currency: sums.currency.clone() },
        }),
    }
}

#[cfg(test)]
mod tests;
