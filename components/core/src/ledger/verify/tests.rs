use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::Index;

use super::super::account::Account;
use super::super::book::Book;
use super::super::book::tests::history::{carry_out, histories, new_book};
use super::super::book::tests::{account, at, ids, movement, shop, tr};
use super::super::posting::Posting;
use super::super::transfer::{Posted, Transfer};
use super::*;
use datamp_models::core::Owner;

mod audit;

/// A ledger as its tables have it.
#[derive(Clone, Debug, PartialEq)]
struct Tables {
    accounts: Vec<AccountRow>,
    transfers: Vec<Record<'static>>,
    /// The open holds, and when they expire.
    listed: BTreeMap<String, Option<i64>>,
}

fn account_row(account: &Account) -> AccountRow {
    AccountRow {
        id: account.id.to_string(),
        kind: account.kind.as_str().to_owned(),
        currency: account.currency.to_string(),
        totals: account.totals,
        chain_head: account.chain_head.map(|head| head.to_string()),
        created_at: 0,
        posted_at: account.posted_at.as_micros(),
        has_later: false,
    }
}

fn owned(record: Record<'_>) -> Record<'static> {
    serde_json::from_value(serde_json::to_value(record).unwrap()).unwrap()
}

fn is_resolved(transfers: &[Record<'_>], hold: &Record<'_>) -> bool {
    transfers.iter().any(|other| other.pending_id.as_ref() == Some(&hold.id))
}

impl Tables {
    fn new<'a>(book: &Book, transfers: impl IntoIterator<Item = &'a Transfer>) -> Self {
        let transfers: Vec<_> = transfers.into_iter().map(|transfer| owned(Record::from(transfer))).collect();
        let mut tables =
            Self { accounts: book.accounts.values().map(account_row).collect(), transfers, listed: BTreeMap::new() };
        tables.list();
        tables
    }

    /// Makes the list of open holds what it has to be.
    fn list(&mut self) {
        let is_open = |record: &&Record<'_>| record.kind == "hold" && !is_resolved(&self.transfers, record);
        let open = self.transfers.iter().filter(is_open);
        self.listed = open.map(|hold| (hold.id.to_string(), hold.expires_at)).collect();
    }

    /// What the store would read of an account's transfers.
    fn rows(&self, account: &AccountRow) -> Vec<TransferRow> {
        let by_id: BTreeMap<_, _> = self.transfers.iter().map(|record| (record.id.clone(), record)).collect();
        let mut rows: Vec<_> = self
            .transfers
            .iter()
            .filter(|record| record.debit_account_id == account.id || record.credit_account_id == account.id)
            .filter(|record| record.created_at <= account.posted_at)
            .map(|record| {
                let hold = record.pending_id.as_ref().and_then(|id| by_id.get(id));
                TransferRow {
                    record: record.clone(),
                    hold_kind: hold.map(|hold| hold.kind.to_string()),
                    hold_amount: hold.map(|hold| hold.amount),
                    hold_debit_account_id: hold.map(|hold| hold.debit_account_id.to_string()),
                    hold_credit_account_id: hold.map(|hold| hold.credit_account_id.to_string()),
                    hold_created_at: hold.map(|hold| hold.created_at),
                    is_resolved: is_resolved(&self.transfers, record),
                    is_listed: self.listed.contains_key(&*record.id),
                    listed_until: self.listed.get(&*record.id).copied().flatten(),
                }
            })
            .collect();
        rows.sort_by_key(|row| row.record.created_at);
        rows
    }

    fn has_later(&self, account: &AccountRow) -> bool {
        self.transfers.iter().any(|record| {
            (record.debit_account_id == account.id || record.credit_account_id == account.id)
                && record.created_at > account.posted_at
        })
    }

    fn sums(&self) -> Vec<Sums> {
        let mut sums: BTreeMap<String, (i64, i64)> = BTreeMap::new();
        for account in &self.accounts {
            let (posted, pending) = sums.entry(account.currency.clone()).or_default();
            let totals = account.totals;
            *posted = posted.wrapping_add(totals.credits_posted.wrapping_sub(totals.debits_posted));
            *pending = pending.wrapping_add(totals.credits_pending.wrapping_sub(totals.debits_pending));
        }
        sums.into_iter().map(|(currency, (posted, pending))| Sums { currency, posted, pending }).collect()
    }

    fn verify(&self, page: usize) -> Result<u64, Fault> {
        let walks = self.accounts.iter().map(|account| self.verify_account(account, page));
        let transfers = walks.sum::<Result<u64, Fault>>()?;
        check_sums(&self.sums())?;
        match self.listed.keys().find(|id| !self.transfers.iter().any(|record| record.id == **id)) {
            Some(id) => Err(Fault { account: None, transfer: Some(id.clone()), kind: FaultKind::ListedHoldMissing }),
            None => Ok(transfers),
        }
    }

    fn verify_account(&self, account: &AccountRow, page: usize) -> Result<u64, Fault> {
        let account = &AccountRow { has_later: self.has_later(account), ..account.clone() };
        let mut walk = Walk::new(account);
        for rows in self.rows(account).chunks(page) {
            walk.page(rows)?;
        }
        walk.finish(account)?;
        Ok(walk.transfers())
    }

    /// What is found at each account: a transfer is of two, and either may show another sign of what happened to it.
    fn faults(&self) -> Vec<FaultKind> {
        let found = self.accounts.iter().filter_map(|account| self.verify_account(account, 100).err());
        found.map(|fault| fault.kind).collect()
    }
}

/// A top-up of 100, a payment of 30, a hold of 40 that was captured by 15, and one of 5 that was voided.
fn tables() -> Tables {
    let mut book = Book::new([Owner::SANDBOX, Owner::ADVERTISING, shop(1)].iter().map(account), []);
    let to_ads = |amount| movement(&shop(1), &Owner::ADVERTISING, amount);
    let batch = [
        Posting::of(movement(&Owner::SANDBOX, &shop(1), 100)),
        Posting::of(to_ads(30)),
        Posting::hold(to_ads(40), None).with_id(tr(1)),
        Posting::capture(tr(1), Some(datamp_models::Amount::new(15).unwrap())),
        Posting::hold(to_ads(5), None).with_id(tr(2)),
        Posting::void(tr(2)),
    ];
    let answers = book.post_all(&batch, at(1_000), ids());
    Tables::new(&book, answers.iter().flatten().map(Posted::transfer))
}

/// The same, as the code of a release before chains would have written the second transfer.
fn with_unsealed() -> Tables {
    let mut book = Book::new([Owner::SANDBOX, Owner::ADVERTISING, shop(1)].iter().map(account), []);
    let top_up = book.post_all(&[Posting::of(movement(&Owner::SANDBOX, &shop(1), 100))], at(1_000), ids());
    let heads: BTreeMap<_, _> =
        book.accounts.values().map(|account| (account.id.clone(), account.chain_head)).collect();
    let pay = |amount| Posting::of(movement(&shop(1), &Owner::ADVERTISING, amount));
    let old = book.post_all(&[pay(30).with_id(tr(1))], at(2_000), ids());
    for account in book.accounts.values_mut() {
        account.chain_head = heads[&account.id];
    }
    let new = book.post_all(&[pay(20).with_id(tr(2))], at(3_000), ids());
    let mut tables = Tables::new(&book, top_up.iter().chain(&old).chain(&new).flatten().map(Posted::transfer));
    let record = &mut tables.transfers[1];
    (record.debit_hash, record.credit_hash) = (None, None);
    (record.debit_debits_pending, record.debit_credits_pending) = (None, None);
    (record.credit_debits_pending, record.credit_credits_pending) = (None, None);
    tables
}

#[test]
fn a_sound_ledger_is_found_so_whatever_the_size_of_pages() {
    for page in [1, 2, 3, 100] {
        assert_eq!(tables().verify(page), Ok(12));
    }
    let empty = Tables { accounts: Vec::new(), transfers: Vec::new(), listed: BTreeMap::new() };
    assert_eq!(empty.verify(1), Ok(0));
}

#[test]
fn a_walk_tells_how_far_it_is() {
    let tables = tables();
    let shop = account_row(&account(&shop(1))).id;
    let account = tables.accounts.iter().find(|row| row.id == shop).unwrap();
    let rows = tables.rows(account);
    let mut walk = Walk::new(account);
    assert_eq!((walk.at(), walk.head(), walk.transfers()), (None, None, 0));
    walk.page(&rows[..2]).unwrap();
    assert_eq!((walk.at(), walk.transfers(), walk.unsealed()), (Some(rows[1].record.created_at), 2, 0));
    assert_eq!(walk.head().map(ToString::to_string).as_deref(), rows[1].record.debit_hash.as_deref());
}

#[test]
fn what_was_posted_without_hashes_is_vouched_for_by_the_next_one() {
    let tables = with_unsealed();
    assert_eq!(tables.verify(1), Ok(6));
    let mut other = tables.clone();
    other.transfers[1].amount = 31;
    assert!(other.faults().contains(&FaultKind::BalanceMismatch));
    // Not even where all balances are made to fit.
    other.transfers[1].credit_balance += 1;
    other.transfers[2].credit_balance += 1;
    other.transfers[1].debit_balance -= 1;
    other.transfers[2].debit_balance -= 1;
    assert!(other.faults().contains(&FaultKind::HashMismatch));
    let mut other = tables;
    other.transfers.remove(1);
    assert!(other.faults().contains(&FaultKind::BalanceMismatch));
}

#[test]
fn each_fault_has_its_name() {
    type Tampering = fn(&mut Tables);
    let cases: [(FaultKind, Tampering); 30] = [
        (FaultKind::OutOfOrder, |t| t.transfers[3].created_at = t.transfers[2].created_at),
        (FaultKind::CurrencyMismatch, |t| t.transfers[1].currency = "USD".into()),
        (FaultKind::AmountOutOfRange, |t| t.transfers[1].amount = 0),
        (FaultKind::AccountsNotDifferent, |t| {
            t.transfers[1].debit_account_id = t.transfers[1].credit_account_id.clone();
        }),
        (FaultKind::HoldNotListed, |t| {
            t.transfers.truncate(5);
            t.listed.clear();
        }),
        (FaultKind::HoldExpiryMismatch, |t| {
            t.transfers.truncate(5);
            t.listed.insert(t.transfers[4].id.to_string(), Some(1));
        }),
        (FaultKind::HoldStillListed, |t| {
            t.listed.insert(t.transfers[4].id.to_string(), None);
        }),
        (FaultKind::HoldStillListed, |t| {
            t.listed.insert(t.transfers[0].id.to_string(), None);
        }),
        (FaultKind::HoldNotListed, |t| t.transfers[5].pending_id = Some("tr_0".into())),
        (FaultKind::UnknownKind, |t| t.transfers[1].kind = "moved".into()),
        (FaultKind::HoldMissing, |t| t.transfers[3].pending_id = Some("tr_0".into())),
        (FaultKind::HoldMissing, |t| t.transfers[3].pending_id = Some(t.transfers[1].id.clone())),
        (FaultKind::HoldMismatch, |t| t.transfers[3].pending_id = Some(t.transfers[4].id.clone())),
        (FaultKind::HoldMismatch, |t| t.transfers[3].pending_id = None),
        (FaultKind::HoldMismatch, |t| t.transfers[1].pending_id = Some(t.transfers[2].id.clone())),
        (FaultKind::HoldMismatch, |t| t.transfers[5].amount = 4),
        (FaultKind::BeyondHold, |t| t.transfers[3].amount = 41),
        (FaultKind::BalanceMismatch, |t| t.transfers[1].amount = 29),
        (FaultKind::Overdrawn, |t| t.accounts.iter_mut().for_each(|account| account.kind = "shop".to_owned())),
        (FaultKind::BalanceMismatch, |t| t.transfers[1].debit_balance = 71),
        (FaultKind::PendingMismatch, |t| t.transfers[2].debit_debits_pending = Some(39)),
        (FaultKind::TotalOutOfRange, |t| {
            let mut again = t.transfers[5].clone();
            again.created_at += 1;
            t.transfers.push(again);
            t.accounts.iter_mut().for_each(|account| account.posted_at += 1);
        }),
        (FaultKind::HashMissing, |t| t.transfers[1].debit_hash = None),
        (FaultKind::HashMismatch, |t| t.transfers[1].reference = "pay_2".into()),
        (FaultKind::HashMismatch, |t| {
            let hash = t.transfers[2].credit_hash.clone();
            t.transfers[1].credit_hash = hash;
        }),
        (FaultKind::HashMismatch, |t| (t.transfers[1].debit_hash, t.transfers[1].credit_hash) = (None, None)),
        (FaultKind::TotalsMismatch, |t| t.accounts[1].totals.debits_posted += 1),
        (FaultKind::TimeMismatch, |t| t.accounts[1].posted_at += 1),
        (FaultKind::TimeMismatch, |t| {
            let later = Record { id: "tr_x".into(), created_at: 9_000, ..t.transfers[1].clone() };
            t.transfers.push(later);
        }),
        (FaultKind::HeadMismatch, |t| t.accounts[1].chain_head = None),
    ];
    for (place, (expected, tamper)) in cases.into_iter().enumerate() {
        let mut tables = tables();
        tamper(&mut tables);
        if !expected.as_str().contains("list") && expected != FaultKind::HoldExpiryMismatch {
            tables.list();
        }
        let found = tables.faults();
        assert!(found.contains(&expected), "{place}: {expected:?} is not among {found:?}");
    }
    let mut tables = tables();
    let mut walk = Walk::new(&tables.accounts[0]);
    let other = tables.rows(&tables.accounts[0].clone()).remove(0);
    tables.accounts[0].id = "acc_0".to_owned();
    walk.account = "acc_0".to_owned();
    assert_eq!(walk.page(&[other]).unwrap_err().kind, FaultKind::OtherAccount);
}

#[test]
fn a_fault_says_where_it_is() {
    let sums = [
        Sums { currency: "RUB".to_owned(), posted: 0, pending: 0 },
        Sums { currency: "USD".to_owned(), posted: 0, pending: 1 },
    ];
    assert_eq!(check_sums(&sums[..1]), Ok(()));
    assert_eq!(check_sums(&sums).unwrap_err().to_string(), "sum-not-zero in USD");
    let fault = Fault { account: Some("acc_1".into()), transfer: Some("tr_1".into()), kind: FaultKind::HashMismatch };
    assert_eq!(fault.to_string(), "hash-mismatch, account acc_1, transfer tr_1");
}

/// Changes one thing in the tables, whatever it is. Where it comes out as it was, nothing was changed.
fn tamper(tables: &mut Tables, row: Index, what: u8, number: i64) {
    let flip = |text: &mut Option<std::borrow::Cow<'static, str>>| {
        *text = match text.take() {
            None => Some("x".into()),
            Some(_) if number % 2 == 0 => None,
            Some(text) => Some(format!("{text}0").into()),
        };
    };
    let shift = |value: &mut i64| *value = value.wrapping_add(number);
    let shift_optional = |value: &mut Option<i64>| {
        *value = match *value {
            None => Some(number),
            Some(_) if number % 3 == 0 => None,
            Some(value) => Some(value.wrapping_add(number)),
        };
    };
    if what >= 30 {
        match tables.listed.pop_first() {
            None => {
                tables.listed.insert("tr_x".to_owned(), None);
            }
            Some((id, until)) if number % 2 == 0 => {
                tables.listed.insert(id, Some(until.map_or(1, |until| until.wrapping_add(number))));
            }
            Some(_) => {}
        }
        return;
    }
    if what >= 24 {
        let account = row.get_mut(&mut tables.accounts);
        match what {
            24 => shift(&mut account.totals.debits_posted),
            25 => shift(&mut account.totals.credits_posted),
            26 => shift(&mut account.totals.debits_pending),
            27 => shift(&mut account.totals.credits_pending),
            28 => shift(&mut account.posted_at),
            _ => account.chain_head = account.chain_head.is_none().then(|| "0".repeat(64)),
        }
        return;
    }
    if tables.transfers.is_empty() {
        return;
    }
    let place = row.index(tables.transfers.len());
    let record = &mut tables.transfers[place];
    match what {
        0 => record.id.to_mut().push('x'),
        1 => record.kind = if record.kind == "posted" { "hold".into() } else { "posted".into() },
        2 => record.debit_account_id.to_mut().push('x'),
        3 => record.credit_account_id.to_mut().push('x'),
        4 => shift(&mut record.amount),
        5 => record.currency = "USD".into(),
        6 => record.code = "refund".into(),
        7 => record.reference.to_mut().push('x'),
        8 => flip(&mut record.pending_id),
        9 => flip(&mut record.reversal_of),
        10 => shift_optional(&mut record.expires_at),
        11 => shift(&mut record.debit_balance),
        12 => shift_optional(&mut record.debit_debits_pending),
        13 => shift_optional(&mut record.debit_credits_pending),
        14 => flip(&mut record.debit_hash),
        15 => shift(&mut record.credit_balance),
        16 => shift_optional(&mut record.credit_debits_pending),
        17 => shift_optional(&mut record.credit_credits_pending),
        18 => flip(&mut record.credit_hash),
        19 => shift(&mut record.created_at),
        20 => (record.debit_hash, record.credit_hash) = (None, None),
        21 => {
            tables.transfers.remove(place);
        }
        22 => {
            let again =
                Record { id: "tr_x".into(), created_at: record.created_at.wrapping_add(number), ..record.clone() };
            tables.transfers.push(again);
        }
        _ => std::mem::swap(&mut record.debit_account_id, &mut record.credit_account_id),
    }
}

proptest! {
    /// What the book writes verifies; a change of any one thing is found.
    #[test]
    fn any_single_tampering_is_found(
        history in histories(),
        row: Index,
        what in 0..31_u8,
        number in prop_oneof![-3..3_i64, any::<i64>()].prop_filter("changes something", |number| *number != 0),
        page in 1..9_usize,
    ) {
        let mut book = new_book();
        let made = carry_out(&mut book, &history);
        let sound = Tables::new(&book, &made);
        prop_assert_eq!(sound.verify(page), Ok(2 * u64::try_from(made.len()).unwrap()));
        let mut tampered = sound.clone();
        tamper(&mut tampered, row, what, number);
        if tampered != sound {
            prop_assert!(tampered.verify(page).is_err());
        }
    }
}
