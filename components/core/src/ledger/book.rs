//! Posting, decided in plain memory: no clock, no database, no ids of its own.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use datamp_models::core::{AccountId, TransferId, TransferKind};
use datamp_sdk::Timestamp;

use super::account::Account;
use super::chain;
use super::decision::{Decision, Moment};
use super::posting::Posting;
use super::record::Record;
use super::refusal::Refusal;
use super::transfer::{Answer, Posted, Transfer};

/// A transfer that postings refer to, as it was read under the locks of its accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The transfer.
    pub transfer: Transfer,
    /// What resolved it, if it is a hold that was.
    pub resolved: Option<TransferKind>,
    /// How much of it was corrected, in minor units.
    pub reversed: i64,
}

impl Known {
    /// A transfer that nothing refers to yet.
    pub fn new(transfer: Transfer) -> Self {
        Self { transfer, resolved: None, reversed: 0 }
    }
}

/// The accounts of a batch, the transfers that it refers to, and what the batch did to them.
#[derive(Debug, Default)]
pub struct Book {
    pub(super) accounts: BTreeMap<AccountId, Account>,
    pub(super) known: HashMap<TransferId, Known>,
    changed: BTreeSet<AccountId>,
    /// What a chain that is under way has changed, in order; unused outside of one.
    undo: Vec<Undo>,
}

/// How something was before.
#[derive(Debug)]
enum Undo {
    /// The account, and whether the batch had not changed it before.
    Account(Account, bool),
    Made(TransferId),
    Resolved(TransferId),
    Reversed(TransferId, i64),
}

impl Book {
    /// A book of accounts and transfers that nothing was posted to yet.
    pub fn new(accounts: impl IntoIterator<Item = Account>, known: impl IntoIterator<Item = Known>) -> Self {
        Self {
            accounts: accounts.into_iter().map(|account| (account.id.clone(), account)).collect(),
            known: known.into_iter().map(|known| (known.transfer.id.clone(), known)).collect(),
            ..Self::default()
        }
    }

    /// Posts a batch in order, each element seeing what those before it did. `id` makes the id of a transfer that was
    /// given none.
    pub fn post_all(
        &mut self,
        postings: &[Posting],
        now: Timestamp,
        mut id: impl FnMut() -> TransferId,
    ) -> Vec<Answer> {
        let mut moment = Moment { now, id: &mut id };
        let mut answers = Vec::with_capacity(postings.len());
        let mut rest = postings;
        while !rest.is_empty() {
            let end = rest.iter().position(|posting| !posting.linked);
            let (chain, after) = rest.split_at(end.map_or(rest.len(), |end| end + 1));
            match chain {
                [alone] if end.is_some() => answers.push(self.post(alone, &mut moment, false)),
                chain => answers.extend(self.post_chain(chain, end.is_none(), &mut moment)),
            }
            rest = after;
        }
        answers
    }

    /// Whether the accounts of a transfer are here, if the transfer is.
    pub fn has_accounts_of(&self, id: &TransferId) -> bool {
        self.known.get(id).is_none_or(|known| {
            let transfer = &known.transfer;
            self.accounts.contains_key(&transfer.debit) && self.accounts.contains_key(&transfer.credit)
        })
    }

    /// The accounts that were changed, in order of id.
    pub fn changed(&self) -> impl Iterator<Item = &Account> {
        self.changed.iter().filter_map(|id| self.accounts.get(id))
    }

    /// Posts a chain: all of it or nothing. An open one lacks its end.
    fn post_chain(&mut self, chain: &[Posting], open: bool, moment: &mut Moment<'_>) -> Vec<Answer> {
        // A chain that is asked for again has had its effect, all of it. Where only a part has, it is no repetition.
        let existing = || chain.iter().map(|posting| self.existing(posting)?.ok()).collect::<Option<Vec<_>>>();
        if !open && let Some(existing) = existing() {
            return existing.into_iter().map(|transfer| Ok(Posted::Existed(transfer))).collect();
        }
        self.undo.clear();
        let mut answers: Vec<Answer> = Vec::with_capacity(chain.len());
        let mut failed = false;
        for (place, posting) in chain.iter().enumerate() {
            let answer = if open && place + 1 == chain.len() {
                Err(Refusal::LinkedChainOpen)
            } else if failed {
                Err(Refusal::LinkedTransferFailed)
            } else {
                match self.post(posting, moment, true) {
                    Ok(Posted::Existed(_)) => Err(Refusal::Exists),
                    answer => answer,
                }
            };
            if answer.is_err() && !failed {
                failed = true;
                self.roll_back();
                answers.fill_with(|| Err(Refusal::LinkedTransferFailed));
            }
            answers.push(answer);
        }
        answers
    }

    fn post(&mut self, posting: &Posting, moment: &mut Moment<'_>, chained: bool) -> Answer {
        match self.existing(posting) {
            Some(existing) => existing.map(Posted::Existed),
            None => {
                let decision = self.decide(posting, moment)?;
                Ok(Posted::Made(self.apply(decision, posting.id.is_some(), chained)))
            }
        }
    }

    /// Carries out what was decided. Nothing fails here, so a refused posting has changed nothing.
    fn apply(&mut self, decision: Decision, named: bool, chained: bool) -> Transfer {
        let Decision { mut transfer, mut debit, mut credit } = decision;
        let bytes = chain::canonical(&Record::from(&transfer));
        for (account, after) in [(&mut debit, &mut transfer.debit_after), (&mut credit, &mut transfer.credit_after)] {
            let hash = chain::link(account.chain_head.as_ref(), account.id.as_str(), &account.totals, &bytes);
            account.chain_head = Some(hash);
            after.hash = Some(hash);
        }
        let mut undo = Vec::new();
        for account in [debit, credit] {
            let first = self.changed.insert(account.id.clone());
            let before = self.accounts.insert(account.id.clone(), account);
            undo.extend(before.map(|before| Undo::Account(before, first)));
        }
        if let Some(hold) = transfer.pending_id.as_ref().and_then(|hold| self.known.get_mut(hold)) {
            hold.resolved = Some(transfer.kind);
            undo.push(Undo::Resolved(hold.transfer.id.clone()));
        }
        if let Some(reversed) = transfer.reversal_of.as_ref().and_then(|reversed| self.known.get_mut(reversed)) {
            undo.push(Undo::Reversed(reversed.transfer.id.clone(), reversed.reversed));
            reversed.reversed += transfer.amount.minor_units();
        }
        // The id of any other can't have been told to whoever made this batch.
        if named {
            self.known.insert(transfer.id.clone(), Known::new(transfer.clone()));
            undo.push(Undo::Made(transfer.id.clone()));
        }
        if chained {
            self.undo.append(&mut undo);
        }
        transfer
    }

    fn roll_back(&mut self) {
        while let Some(undo) = self.undo.pop() {
            match undo {
                Undo::Account(before, first) => {
                    if first {
                        self.changed.remove(&before.id);
                    }
                    self.accounts.insert(before.id.clone(), before);
                }
                Undo::Made(id) => {
                    self.known.remove(&id);
                }
                Undo::Resolved(id) => {
                    if let Some(hold) = self.known.get_mut(&id) {
                        hold.resolved = None;
                    }
                }
                Undo::Reversed(id, before) => {
                    if let Some(reversed) = self.known.get_mut(&id) {
                        reversed.reversed = before;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
