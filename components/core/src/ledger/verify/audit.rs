//! An audit of the whole ledger, or of one account, in parts that are as short as one likes.
//!
//! Where it is goes into a text and back, so that parts may be hours apart and done by different instances. What it has read of an
//! account stays right meanwhile: transfers never change, and later ones are not its concern.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{AccountRow, Fault, FaultKind, Sums, TransferRow, Walk, check_sums};
use crate::ledger::chain::{self, Hash};

/// Accounts that are read at once.
const ACCOUNTS: u32 = 100;

/// Transfers that are read at once.
const TRANSFERS: u32 = 500;

/// The most faults of one part. An account has one at most.
const MOST_FAULTS: usize = 100;

/// Where an audit reads.
pub trait Source {
    /// Why it can't.
    type Error;

    /// At most `limit` accounts whose ids come after `after`, in order of id.
    fn accounts(&self, after: &str, limit: u32) -> Result<Vec<AccountRow>, Self::Error>;

    /// One account.
    fn account(&self, id: &str) -> Result<Option<AccountRow>, Self::Error>;

    /// At most `limit` transfers that come next in a walk over an account.
    fn transfers(&self, account: &AccountRow, walk: &Walk, limit: u32) -> Result<Vec<TransferRow>, Self::Error>;

    /// The sums over all accounts by currency, of one moment.
    fn sums(&self) -> Result<Vec<Sums>, Self::Error>;

    /// What the list of open holds names and is no transfer; some of it, if there is much.
    fn listed_without_transfer(&self) -> Result<Vec<String>, Self::Error>;
}

/// What an audit has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Accounts, to their ends.
    pub accounts: u64,
    /// Entries of those accounts: a transfer is one in each of its two.
    pub entries: u64,
    /// Those of them that have no hash, since the code of a release before chains made them.
    pub unsealed: u64,
    /// Faults.
    pub faults: u64,
}

/// What one part of an audit has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Faults, the first one of each account.
    pub faults: Vec<Fault>,
    /// The sums by currency, at the end of an audit of all accounts.
    pub sums: Vec<Sums>,
    /// Whether all is done.
    pub has_ended: bool,
}

/// An audit under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    scope: Scope,
    /// The last account that is done.
    after: String,
    /// The account that is being walked.
    current: Option<(AccountRow, Walk)>,
    counts: Counts,
    /// Over the heads of all accounts that are done.
    heads: Option<Hash>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Scope {
    All,
    /// One account. A head of its chain that was noted once has to be in it still; none if that was seen, or is not asked for.
    One {
        account: String,
        noted: Option<Hash>,
    },
}

impl Audit {
    /// Of all accounts.
    pub fn of_all() -> Self {
        Self { scope: Scope::All, after: String::new(), current: None, counts: Counts::default(), heads: None }
    }

    /// Of one account that there is. `noted` is a head that its chain had at some time.
    pub fn of_account(id: &str, noted: Option<Hash>) -> Self {
        Self { scope: Scope::One { account: id.to_owned(), noted }, ..Self::of_all() }
    }

    /// What was seen so far. Entries of an account that is being walked are among them.
    pub fn counts(&self) -> Counts {
        let walk = self.current.as_ref().map(|(_, walk)| walk);
        Counts {
            entries: self.counts.entries + walk.map_or(0, Walk::transfers),
            unsealed: self.counts.unsealed + walk.map_or(0, Walk::unsealed),
            ..self.counts
        }
    }

    /// A digest of the heads of all accounts that are done, in order of id; of one account, of its head alone.
    pub fn heads(&self) -> Option<&Hash> {
        self.heads.as_ref()
    }

    /// Goes on until it is `enough`, which is asked after each page.
    ///
    /// # Errors
    /// Those of the source. The audit is of no use after one: go on from a copy.
    pub fn go_on<S: Source>(&mut self, source: &S, enough: impl Fn() -> bool) -> Result<Part, S::Error> {
        let mut part = Part { faults: Vec::new(), sums: Vec::new(), has_ended: false };
        let mut next = VecDeque::new();
        loop {
            let (account, walk) = match self.current.take() {
                Some(current) => current,
                None => match self.next(source, &mut next)? {
                    Some(account) => {
                        let walk = Walk::new(&account);
                        (account, walk)
                    }
                    None => break,
                },
            };
            if let Some(fault) = self.page(source, account, walk)? {
                part.faults.push(fault);
            }
            if part.faults.len() >= MOST_FAULTS || enough() {
                self.counts.faults += count(&part.faults);
                return Ok(part);
            }
        }
        self.end(source, &mut part)?;
        self.counts.faults += count(&part.faults);
        Ok(part)
    }

    fn next<S: Source>(&self, source: &S, read: &mut VecDeque<AccountRow>) -> Result<Option<AccountRow>, S::Error> {
        match &self.scope {
            Scope::One { account, .. } if self.after.is_empty() => source.account(account),
            Scope::One { .. } => Ok(None),
            Scope::All => {
                if read.is_empty() {
                    *read = source.accounts(&self.after, ACCOUNTS)?.into();
                }
                Ok(read.pop_front())
            }
        }
    }

    /// Checks one page of an account, and the account itself after the last.
    fn page<S: Source>(&mut self, source: &S, account: AccountRow, mut walk: Walk) -> Result<Option<Fault>, S::Error> {
        let rows = source.transfers(&account, &walk, TRANSFERS)?;
        let is_last = u32::try_from(rows.len()).is_ok_and(|count| count < TRANSFERS);
        let mut checked = walk.page(&rows);
        if checked.is_ok() {
            self.note(&account.id, &rows);
            if !is_last {
                self.current = Some((account, walk));
                return Ok(None);
            }
            checked = walk.finish(&account).and_then(|()| self.is_noted_seen(&account.id));
        }
        self.counts.accounts += 1;
        self.counts.entries += walk.transfers();
        self.counts.unsealed += walk.unsealed();
        let head = account.chain_head.as_deref().and_then(Hash::parse);
        self.heads = Some(chain::fold(self.heads.as_ref(), &account.id, head.as_ref(), account.posted_at));
        self.after = account.id;
        Ok(checked.err())
    }

    /// Looks for the head that was noted among hashes that were checked.
    fn note(&mut self, account: &str, rows: &[TransferRow]) {
        let Scope::One { noted, .. } = &mut self.scope else { return };
        let Some(head) = noted.map(|head| head.to_string()) else { return };
        let is_it = |row: &TransferRow| {
            let record = &row.record;
            let hash = if record.debit_account_id == account { &record.debit_hash } else { &record.credit_hash };
            hash.as_deref() == Some(head.as_str())
        };
        if rows.iter().any(is_it) {
            *noted = None;
        }
    }

    fn is_noted_seen(&self, account: &str) -> Result<(), Fault> {
        match &self.scope {
            Scope::One { noted: Some(_), .. } => {
                Err(Fault { account: Some(account.to_owned()), transfer: None, kind: FaultKind::HeadLost })
            }
            _ => Ok(()),
        }
    }

    /// What is about all accounts together.
    fn end<S: Source>(&self, source: &S, part: &mut Part) -> Result<(), S::Error> {
        part.has_ended = true;
        if self.scope != Scope::All {
            return Ok(());
        }
        part.sums = source.sums()?;
        part.faults.extend(part.sums.iter().filter_map(|sums| check_sums(std::slice::from_ref(sums)).err()));
        let listed = source.listed_without_transfer()?.into_iter();
        part.faults.extend(listed.map(|id| Fault {
            account: None,
            transfer: Some(id),
            kind: FaultKind::ListedHoldMissing,
        }));
        Ok(())
    }
}

fn count(faults: &[Fault]) -> u64 {
    u64::try_from(faults.len()).unwrap_or(u64::MAX)
}
