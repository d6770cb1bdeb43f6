//! Audits in parts, over tables in memory.

use std::cell::Cell;

use super::super::audit::{Audit, Part, Source};
use super::*;
use crate::ledger::chain::Hash;

impl Source for Tables {
    type Error = std::convert::Infallible;

    fn accounts(&self, after: &str, limit: u32) -> Result<Vec<AccountRow>, Self::Error> {
        let mut rows: Vec<_> = self.accounts.iter().filter(|account| account.id.as_str() > after).cloned().collect();
        rows.sort_by(|a, b| a.id.cmp(&b.id));
        rows.truncate(usize::try_from(limit).unwrap());
        rows.iter_mut().for_each(|account| account.has_later = self.has_later(account));
        Ok(rows)
    }

    fn account(&self, id: &str) -> Result<Option<AccountRow>, Self::Error> {
        Ok(self.accounts("", u32::MAX)?.into_iter().find(|account| account.id == id))
    }

    fn transfers(&self, account: &AccountRow, walk: &Walk, limit: u32) -> Result<Vec<TransferRow>, Self::Error> {
        let later = |row: &TransferRow| walk.at().is_none_or(|at| row.record.created_at > at);
        Ok(self.rows(account).into_iter().filter(later).take(usize::try_from(limit).unwrap()).collect())
    }

    fn sums(&self) -> Result<Vec<Sums>, Self::Error> {
        Ok(Self::sums(self))
    }

    fn listed_without_transfer(&self) -> Result<Vec<String>, Self::Error> {
        let is_there = |id: &String| self.transfers.iter().any(|record| record.id == *id);
        Ok(self.listed.keys().filter(|id| !is_there(id)).cloned().collect())
    }
}

fn once(audit: &mut Audit, tables: &Tables, enough: impl Fn() -> bool) -> Part {
    audit.go_on(tables, enough).unwrap()
}

/// To its end in parts of one page, each by another instance: through its text.
fn in_parts(mut audit: Audit, tables: &Tables) -> (Audit, Vec<Fault>, usize) {
    let (mut faults, mut parts) = (Vec::new(), 0);
    loop {
        let part = once(&mut audit, tables, || true);
        faults.extend(part.faults);
        parts += 1;
        if part.has_ended {
            return (audit, faults, parts);
        }
        audit = serde_json::from_str(&serde_json::to_string(&audit).unwrap()).unwrap();
    }
}

#[test]
fn an_audit_in_parts_is_one_at_once() {
    let tables = tables();
    let mut whole = Audit::of_all();
    let part = once(&mut whole, &tables, || false);
    assert!(part.has_ended && part.faults.is_empty(), "{part:?}");
    assert_eq!(part.sums, tables.sums());
    let counts = whole.counts();
    assert_eq!((counts.accounts, counts.entries, counts.unsealed, counts.faults), (3, 12, 0, 0));
    let (parts, faults, count) = in_parts(Audit::of_all(), &tables);
    assert_eq!((parts.counts(), parts.heads(), faults.len(), count), (counts, whole.heads(), 0, 4));
}

#[test]
fn a_long_account_is_walked_in_several_parts() {
    let mut book = Book::new([Owner::SANDBOX, shop(1)].iter().map(account), []);
    let postings: Vec<_> = (0..1000).map(|_| Posting::of(movement(&Owner::SANDBOX, &shop(1), 1))).collect();
    let mut id = ids();
    let mut made: Vec<Transfer> = Vec::new();
    for now in 1..=2 {
        let answers = book.post_all(&postings, at(now * 1_000_000), &mut id);
        made.extend(answers.iter().flatten().map(|posted| posted.transfer().clone()));
    }
    let tables = Tables::new(&book, &made);
    let seen = Cell::new(0);
    let mut audit = Audit::of_all();
    let part = once(&mut audit, &tables, || seen.replace(seen.get() + 1) == 1);
    assert_eq!((part.has_ended, audit.counts().accounts, audit.counts().entries), (false, 0, 1000));
    let (audit, faults, _) = in_parts(audit, &tables);
    assert_eq!((audit.counts().entries, faults), (4000, vec![]));
    assert!(serde_json::to_string(&audit).unwrap().len() < 2000);
}

#[test]
fn every_fault_is_told_whatever_the_parts() {
    let mut tables = tables();
    tables.transfers[1].reference = "pay_2".into();
    tables.accounts[0].totals.debits_posted += 1;
    tables.listed.insert("tr_x".to_owned(), None);
    let mut whole = Audit::of_all();
    let part = once(&mut whole, &tables, || false);
    let names: Vec<_> = part.faults.iter().map(|fault| fault.kind.as_str()).collect();
    assert!(names.contains(&"hash-mismatch") && names.contains(&"listed-hold-missing"), "{names:?}");
    assert!(names.contains(&"sum-not-zero"), "{names:?}");
    assert_eq!(whole.counts().faults, u64::try_from(names.len()).unwrap());
    let (parts, faults, _) = in_parts(Audit::of_all(), &tables);
    assert_eq!((parts.counts(), faults), (whole.counts(), part.faults));
}

#[test]
fn one_account_is_audited_alone_with_a_head_that_it_had() {
    let tables = tables();
    let id = account_row(&account(&shop(1))).id;
    let rows = tables.rows(tables.account(&id).unwrap().as_ref().unwrap());
    let noted = rows[1].record.debit_hash.as_deref().and_then(Hash::parse).unwrap();
    let of = |noted| {
        let (audit, faults, _) = in_parts(Audit::of_account(&id, noted), &tables);
        (audit.counts().accounts, faults.into_iter().map(|fault| fault.kind).collect::<Vec<_>>())
    };
    assert_eq!(of(None), (1, vec![]));
    assert_eq!(of(Some(noted)), (1, vec![]));
    assert_eq!(of(Hash::parse(&"0".repeat(64))), (1, vec![FaultKind::HeadLost]));
    // The other side's head is not this account's.
    let other = rows[1].record.credit_hash.as_deref().and_then(Hash::parse);
    assert_eq!(of(other), (1, vec![FaultKind::HeadLost]));
}

#[test]
fn another_history_has_another_digest() {
    let digest = |tables: &Tables| in_parts(Audit::of_all(), tables).0.heads().map(ToString::to_string);
    let mut other = tables();
    other.accounts[1].chain_head = Some("1".repeat(64));
    assert_ne!(digest(&tables()), digest(&other));
    assert_eq!(digest(&tables()), digest(&tables()));
}
