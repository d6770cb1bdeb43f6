//! Random histories against a model that knows the rules and nothing of how they are kept.

use super::*;
use proptest::prelude::*;

/// Two of the system's accounts and four shops, of which the last has no account.
fn owners() -> [Owner; 6] {
    [Owner::SANDBOX, Owner::ADVERTISING, shop(1), shop(2), shop(3), shop(4)]
}

/// A posting, by numbers: transfers are named by small ones, so that they meet again and again.
#[derive(Clone, Debug)]
pub(in super::super::super) struct Step {
    id: Option<u128>,
    linked: bool,
    action: StepAction,
}

#[derive(Clone, Debug)]
enum StepAction {
    Post(usize, usize, i64),
    Reverse(u128, usize, usize, i64),
    Hold(usize, usize, i64, Option<i64>),
    Capture(u128, Option<i64>),
    Void(u128),
    Expire(u128),
}

impl Step {
    pub(in super::super::super) fn posting(&self) -> Posting {
        let owners = owners();
        let between = |debit: usize, credit: usize, amount| movement(&owners[debit], &owners[credit], amount);
        let posting = match self.action {
            StepAction::Post(debit, credit, amount) => Posting::of(between(debit, credit, amount)),
            StepAction::Reverse(of, debit, credit, amount) => Posting::reversal(tr(of), between(debit, credit, amount)),
            StepAction::Hold(debit, credit, amount, until) => {
                Posting::hold(between(debit, credit, amount), until.map(at))
            }
            StepAction::Capture(hold, part) => Posting::capture(tr(hold), part.map(amount)),
            StepAction::Void(hold) => Posting::void(tr(hold)),
            StepAction::Expire(hold) => Posting::expiry(tr(hold)),
        };
        Posting { id: self.id.map(tr), linked: self.linked, ..posting }
    }
}

fn amounts() -> impl Strategy<Value = i64> {
    prop_oneof![8 => 1..100_i64, 1 => 1..=MAX_AMOUNT]
}

fn steps() -> impl Strategy<Value = Step> {
    let owner = || 0..6_usize;
    let name = || 0..30_u128;
    let action = prop_oneof![
        4 => (owner(), owner(), amounts()).prop_map(|(debit, credit, amount)| StepAction::Post(debit, credit, amount)),
        // Money comes in more often than chance would have it.
        3 => (2..5_usize, 1..1_000_i64).prop_map(|(credit, amount)| StepAction::Post(0, credit, amount)),
        1 => (name(), owner(), owner(), 1..50_i64)
            .prop_map(|(of, debit, credit, amount)| StepAction::Reverse(of, debit, credit, amount)),
        4 => (owner(), owner(), amounts(), prop::option::of(0..3_000_i64))
            .prop_map(|(debit, credit, amount, until)| StepAction::Hold(debit, credit, amount, until)),
        4 => (name(), prop::option::of(1..100_i64)).prop_map(|(hold, part)| StepAction::Capture(hold, part)),
        2 => name().prop_map(StepAction::Void),
        2 => name().prop_map(StepAction::Expire),
    ];
    (prop::option::weighted(0.8, name()), prop::bool::weighted(0.15), action).prop_map(|(id, linked, action)| Step {
        id,
        linked,
        action,
    })
}

/// Batches, each with the time of its clock.
pub(in super::super::super) fn histories() -> impl Strategy<Value = Vec<(Vec<Step>, i64)>> {
    prop::collection::vec((prop::collection::vec(steps(), 0..20), 0..3_000_i64), 1..10)
}

/// A book with the accounts of all owners but the last.
pub(in super::super::super) fn new_book() -> Book {
    Book::new(owners().iter().take(5).map(account), [])
}

/// Carries out a history and answers the transfers in the order that they were made.
pub(in super::super::super) fn carry_out(book: &mut Book, history: &[(Vec<Step>, i64)]) -> Vec<Transfer> {
    let mut id = ids();
    let mut made = Vec::new();
    for (steps, now) in history {
        let postings: Vec<_> = steps.iter().map(Step::posting).collect();
        let answers = book.post_all(&postings, at(*now), &mut id);
        made.extend(answers.iter().flatten().filter_map(Posted::made).cloned());
    }
    made
}

/// What the transfers come to, worked out from nothing but them.
#[derive(Default)]
struct Model {
    totals: BTreeMap<AccountId, Totals>,
    latest: BTreeMap<AccountId, Timestamp>,
    transfers: BTreeMap<TransferId, Transfer>,
    resolved: BTreeMap<TransferId, TransferKind>,
    reversed: BTreeMap<TransferId, i64>,
}

impl Model {
    fn add(&mut self, transfer: &Transfer) -> Result<(), TestCaseError> {
        let amount = transfer.amount.minor_units();
        let held = match &transfer.pending_id {
            None => 0,
            Some(id) => {
                let hold = &self.transfers[id];
                prop_assert_eq!(hold.kind, TransferKind::Hold);
                prop_assert!(amount <= hold.amount.minor_units());
                prop_assert!(self.resolved.insert(id.clone(), transfer.kind).is_none(), "resolved twice");
                let due = hold.expires_at.is_some_and(|expires_at| expires_at <= transfer.created_at);
                prop_assert_eq!(due, transfer.kind == TransferKind::Expiry);
                hold.amount.minor_units()
            }
        };
        if let Some(id) = &transfer.reversal_of {
            let reversed = self.reversed.entry(id.clone()).or_default();
            *reversed += amount;
            prop_assert!(*reversed <= self.transfers[id].amount.minor_units());
        }
        let (posted, pending) = match transfer.kind {
            TransferKind::Posted => (amount, 0),
            TransferKind::Hold => (0, amount),
            TransferKind::Capture => (amount, -held),
            TransferKind::Void | TransferKind::Expiry => (0, -held),
        };
        for (id, after, is_debit) in
            [(&transfer.debit, &transfer.debit_after, true), (&transfer.credit, &transfer.credit_after, false)]
        {
            let totals = self.totals.entry(id.clone()).or_default();
            let (of_posted, of_pending) = if is_debit {
                (&mut totals.debits_posted, &mut totals.debits_pending)
            } else {
                (&mut totals.credits_posted, &mut totals.credits_pending)
            };
            *of_posted += posted;
            *of_pending += pending;
            prop_assert_eq!(after.balance, totals.balance());
            prop_assert_eq!(after.debits_pending, Some(totals.debits_pending));
            prop_assert_eq!(after.credits_pending, Some(totals.credits_pending));
            let latest = self.latest.insert(id.clone(), transfer.created_at);
            prop_assert!(latest.is_none_or(|latest| latest < transfer.created_at));
        }
        let before = self.transfers.insert(transfer.id.clone(), transfer.clone());
        prop_assert!(before.is_none(), "an id has two transfers");
        Ok(())
    }

    fn check(&self, book: &Book) -> Result<(), TestCaseError> {
        for (id, account) in &book.accounts {
            let totals = self.totals.get(id).copied().unwrap_or_default();
            prop_assert_eq!(account.totals, totals);
            prop_assert_eq!(account.posted_at, self.latest.get(id).copied().unwrap_or(at(0)));
            prop_assert!(account.shop_is_covered());
        }
        let sum = |of: fn(&Totals) -> i64| book.accounts.values().map(|account| of(&account.totals)).sum::<i64>();
        prop_assert_eq!(sum(Totals::balance), 0);
        prop_assert_eq!(sum(|totals| totals.credits_pending - totals.debits_pending), 0);
        Ok(())
    }
}

impl Account {
    fn shop_is_covered(&self) -> bool {
        self.kind != datamp_models::core::AccountKind::Shop || self.totals.available() >= 0
    }
}

/// Whether a chain came out as chains do: all of it, or nothing with one reason of an element's own, or two where it is open.
fn check_chain(chain: &[Answer], open: bool) -> Result<(), TestCaseError> {
    let failures = chain.iter().filter(|answer| answer.is_err()).count();
    if failures == 0 {
        let existed = chain.iter().filter(|answer| matches!(answer, Ok(Posted::Existed(_)))).count();
        prop_assert!(!open && (existed == 0 || existed == chain.len()));
        return Ok(());
    }
    prop_assert_eq!(failures, chain.len());
    if chain.len() > 1 {
        let count = |refusal| chain.iter().filter(|answer| **answer == Err(refusal)).count();
        let (linked, open_ends) = (count(Refusal::LinkedTransferFailed), count(Refusal::LinkedChainOpen));
        prop_assert_eq!(open_ends, usize::from(open));
        let own = chain.len() - linked - open_ends;
        let one_reason = own == 1 || open && own == 0;
        prop_assert!(one_reason);
    }
    Ok(())
}

proptest! {
    /// Money is neither made nor lost, no shop is overdrawn with what it has held, a hold is resolved once and never beyond
    /// its amount, a chain is all or nothing, and what transfers say of accounts is what the transfers come to.
    #[test]
    fn every_history_keeps_the_rules(history in histories()) {
        let mut book = new_book();
        let mut model = Model::default();
        let mut id = ids();
        for (steps, now) in &history {
            let postings: Vec<_> = steps.iter().map(Step::posting).collect();
            let answers = book.post_all(&postings, at(*now), &mut id);
            prop_assert_eq!(answers.len(), postings.len());
            let mut start = 0;
            for (place, posting) in postings.iter().enumerate() {
                if !posting.linked || place + 1 == postings.len() {
                    check_chain(&answers[start..=place], posting.linked)?;
                    start = place + 1;
                }
            }
            for (posting, answer) in postings.iter().zip(&answers) {
                match answer {
                    Ok(Posted::Made(transfer)) => {
                        prop_assert!(transfer.created_at >= at(*now));
                        model.add(transfer)?;
                    }
                    Ok(Posted::Existed(transfer)) => {
                        prop_assert_eq!(posting.id.as_ref(), Some(&transfer.id));
                        prop_assert_eq!(model.transfers.get(&transfer.id), Some(transfer));
                    }
                    Err(_) => {}
                }
            }
            model.check(&book)?;
        }
    }

    /// A batch is told again whole or in part, at once or later, with the transfers read anew: what it did is done once.
    #[test]
    fn a_retry_has_one_effect(history in histories(), from in 0..20_usize) {
        let mut book = new_book();
        for (steps, now) in &history {
            let named: Vec<_> = steps.iter().zip(100..).map(|(step, number)| {
                // Chains are told again whole, or they are other chains.
                Posting { id: Some(tr(number + 1_000 * u128::try_from(*now).unwrap())), linked: false, ..step.posting() }
            }).collect();
            let first = book.post_all(&named, at(*now), ids());
            let before = state(&book);
            let mut read_anew = Book::new(book.accounts.values().cloned(), book.known.values().cloned());
            let repeated = read_anew.post_all(named.get(from..).unwrap_or_default(), at(*now + 1), ids());
            for (first, again) in first.iter().skip(from).zip(&repeated) {
                if let Ok(posted) = first {
                    prop_assert_eq!(again, &Ok(Posted::Existed(posted.transfer().clone())));
                }
            }
            // A posting that was refused may be possible now; where none was, nothing has changed.
            if first.iter().skip(from).all(Result::is_ok) {
                prop_assert_eq!(read_anew.changed().count(), 0);
                prop_assert_eq!(state(&book), before);
            }
        }
    }

    /// A posting alone is a batch of one: however a history is cut into batches, chains left whole, it comes out the same.
    #[test]
    fn a_batch_is_what_its_elements_are(steps in prop::collection::vec(steps(), 0..20)) {
        let postings: Vec<_> = steps.iter().map(|step| Posting { linked: false, ..step.posting() }).collect();
        let (mut whole, mut cut) = (new_book(), new_book());
        let (mut of_whole, mut of_cut) = (ids(), ids());
        let together = whole.post_all(&postings, at(1_000), &mut of_whole);
        let apart: Vec<_> = postings
            .iter()
            .flat_map(|posting| cut.post_all(std::slice::from_ref(posting), at(1_000), &mut of_cut))
            .collect();
        prop_assert_eq!(together, apart);
        prop_assert_eq!(state(&whole), state(&cut));
    }
}
