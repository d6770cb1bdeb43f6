//! The ledger, as its contract describes it, in memory: what each request is to be answered.
//!
//! It knows nothing of how core keeps the ledger, and takes one request after the other.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::steps::{Action, CURRENCIES, Chain, Ends, Movement, Posting, SHOPS, STRANGER, SYSTEM, spent};

/// An account, by its owner and currency.
type Key = (usize, &'static str);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Balance {
    pub(super) posted: i64,
    pub(super) debits_pending: i64,
    pub(super) credits_pending: i64,
}

/// A transfer that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Made {
    pub(super) action: Action,
    /// Of what resolves a hold, the hold's, with the amount that was moved or released.
    pub(super) movement: Movement,
    /// What resolved it: a variant of the contract's `kind`.
    pub(super) resolved: Option<&'static str>,
    pub(super) reversed: i64,
}

impl Made {
    /// The contract's `kind`.
    pub(super) fn kind(&self) -> &'static str {
        match self.action {
            Action::Transfer(_) | Action::Reversal(..) => "Posted",
            Action::Hold(..) => "Hold",
            Action::Capture(..) => "Capture",
            Action::Void(_) => "Void",
            Action::Expire(_) => "Expiry",
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    pub(super) accounts: BTreeMap<Key, Balance>,
    pub(super) made: BTreeMap<usize, Made>,
    /// The top-ups that were credited.
    top_ups: BTreeSet<String>,
}

/// Why a chain has no effect, as the contract's JSON has it.
pub(super) type Failure = Value;

impl Model {
    /// The accounts of new shops, and those of the platform as they are.
    pub(super) fn new(system: impl IntoIterator<Item = (Key, Balance)>) -> Self {
        let shops = SHOPS.iter().zip(SYSTEM.len()..).map(|(currency, shop)| ((shop, *currency), Balance::default()));
        Self { accounts: shops.chain(system).collect(), ..Self::default() }
    }

    /// What a chain is answered: for each posting whether it existed, and its amount.
    pub(super) fn post(&mut self, chain: &Chain) -> Result<Vec<(bool, i64)>, Failure> {
        // Values are looked at before the ledger is.
        for (place, posting) in chain.iter().enumerate() {
            if let Some(0) = movement(&posting.action).map(|movement| movement.amount) {
                let must = "must be a whole number of minor units from 1 to 1000000000000000";
                return Err(json!({"Invalid": {"posting": place, "field": "amount", "must": must}}));
            }
        }
        let refused = |place: usize, refusal| json!({"Refused": {"posting": place, "refusal": refusal}});
        let existing: Vec<_> = chain.iter().map(|posting| self.existing(posting)).collect();
        if existing.iter().all(|existing| matches!(existing, Some(Ok(_)))) {
            return Ok(existing.into_iter().flatten().flatten().map(|amount| (true, amount)).collect());
        }
        let before = self.clone();
        let mut posted = Vec::new();
        for (place, posting) in chain.iter().enumerate() {
            let refusal = match self.existing(posting) {
                Some(Ok(_)) => Some("Exists"),
                Some(Err(refusal)) => Some(refusal),
                None => self.make(posting).err(),
            };
            if let Some(refusal) = refusal {
                *self = before;
                return Err(refused(place, refusal));
            }
            posted.push((false, self.made[&posting.id].movement.amount));
        }
        // The database has a rule of its own: one transfer for each top-up.
        for posting in chain {
            if let Action::Transfer(movement) = &posting.action
                && movement.code == "top-up"
                && !self.top_ups.insert(movement.reference.clone())
            {
                *self = before;
                return Err(json!("Conflict"));
            }
        }
        Ok(posted)
    }

    /// The amount of the transfer that has the posting's id, or the first in which it is another.
    fn existing(&self, posting: &Posting) -> Option<Result<i64, &'static str>> {
        let made = self.made.get(&posting.id)?;
        Some(self.compare(&posting.action, made).map_or(Ok(made.movement.amount), Err))
    }

    fn compare(&self, asked: &Action, made: &Made) -> Option<&'static str> {
        let asked_kind = Made { action: asked.clone(), ..made.clone() }.kind();
        if asked_kind != made.kind() {
            return Some("ExistsWithDifferentKind");
        }
        if resolves(asked) != resolves(&made.action) {
            return Some("ExistsWithDifferentHold");
        }
        if let Some(asked) = movement(asked) {
            let other = &made.movement;
            let differences = [
                // In another currency an owner has another account.
                ((asked.debit, asked.currency) != (other.debit, other.currency), "ExistsWithDifferentDebitAccount"),
                (asked.credit != other.credit, "ExistsWithDifferentCreditAccount"),
                (asked.amount != other.amount, "ExistsWithDifferentAmount"),
                (asked.code != other.code, "ExistsWithDifferentCode"),
                (asked.reference != other.reference, "ExistsWithDifferentReference"),
            ];
            if let Some((_, difference)) = differences.into_iter().find(|(differs, _)| *differs) {
                return Some(difference);
            }
        }
        match (asked, &made.action) {
            (Action::Capture(hold, amount), _) => {
                let asked = amount.unwrap_or_else(|| self.made[hold].movement.amount);
                (asked != made.movement.amount).then_some("ExistsWithDifferentAmount")
            }
            (Action::Hold(_, asked), Action::Hold(_, made)) if asked != made => Some("ExistsWithDifferentExpiry"),
            (asked, made) if reverses(asked) != reverses(made) => Some("ExistsWithDifferentReversal"),
            _ => None,
        }
    }

    fn make(&mut self, posting: &Posting) -> Result<(), &'static str> {
        let movement = match &posting.action {
            Action::Transfer(movement) => {
                self.check_accounts(movement)?;
                self.check_funds(movement)?;
                self.change(movement, movement.amount, 0);
                movement.clone()
            }
            Action::Reversal(of, movement) => {
                self.check_accounts(movement)?;
                let reversed = self.made.get(of).ok_or("ReversedTransferNotFound")?;
                if !matches!(reversed.kind(), "Posted" | "Capture") {
                    return Err("TransferNotReversible");
                }
                let back = (reversed.movement.credit, reversed.movement.debit, reversed.movement.currency);
                if (movement.debit, movement.credit, movement.currency) != back {
                    return Err("ReversalWithOtherAccounts");
                }
                if reversed.reversed + movement.amount > reversed.movement.amount {
                    return Err("ExceedsReversible");
                }
                self.check_funds(movement)?;
                self.change(movement, movement.amount, 0);
                self.made.get_mut(of).unwrap().reversed += movement.amount;
                movement.clone()
            }
            Action::Hold(movement, ends) => {
                self.check_accounts(movement)?;
                if *ends == Some(Ends::LongAgo) {
                    return Err("ExpiryPassed");
                }
                self.check_funds(movement)?;
                self.change(movement, 0, movement.amount);
                movement.clone()
            }
            Action::Capture(hold, amount) => self.resolve(*hold, "Capture", *amount)?,
            Action::Void(hold) => self.resolve(*hold, "Void", None)?,
            Action::Expire(hold) => self.resolve(*hold, "Expiry", None)?,
        };
        let made = Made { action: posting.action.clone(), movement, resolved: None, reversed: 0 };
        self.made.insert(posting.id, made);
        Ok(())
    }

    fn resolve(&mut self, id: usize, by: &'static str, part: Option<i64>) -> Result<Movement, &'static str> {
        let hold = self.made.get(&id).ok_or("HoldNotFound")?;
        if hold.kind() != "Hold" {
            return Err("TransferNotAHold");
        }
        match (hold.resolved, by) {
            (Some("Capture"), _) => return Err("HoldAlreadyCaptured"),
            (Some("Void"), _) => return Err("HoldAlreadyVoided"),
            (Some(_), _) => return Err("HoldAlreadyExpired"),
            (None, _) => {}
        }
        // Of those that lapse at once, the time is waited for.
        let is_due = matches!(hold.action, Action::Hold(_, Some(Ends::AtOnce)));
        match by {
            "Expiry" if !is_due => return Err("HoldNotDue"),
            "Capture" | "Void" if is_due => return Err("HoldExpired"),
            _ => {}
        }
        let held = hold.movement.clone();
        let moved = Movement { amount: part.unwrap_or(held.amount), ..held.clone() };
        if moved.amount > held.amount {
            return Err("ExceedsHold");
        }
        self.change(&held, if by == "Capture" { moved.amount } else { 0 }, -held.amount);
        self.made.get_mut(&id).unwrap().resolved = Some(by);
        Ok(moved)
    }

    fn check_accounts(&self, movement: &Movement) -> Result<(), &'static str> {
        if movement.debit == movement.credit {
            return Err("AccountsMustDiffer");
        }
        let missing = |owner| owner == STRANGER || !self.accounts.contains_key(&(owner, movement.currency));
        if missing(movement.debit) {
            return Err("DebitAccountNotFound");
        }
        if missing(movement.credit) {
            return Err("CreditAccountNotFound");
        }
        Ok(())
    }

    fn check_funds(&self, movement: &Movement) -> Result<(), &'static str> {
        let debit = &self.accounts[&(movement.debit, movement.currency)];
        let is_shop = movement.debit >= SYSTEM.len();
        if is_shop && debit.posted - debit.debits_pending < movement.amount { Err("InsufficientFunds") } else { Ok(()) }
    }

    fn change(&mut self, movement: &Movement, posted: i64, pending: i64) {
        let debit = self.accounts.get_mut(&(movement.debit, movement.currency)).unwrap();
        debit.posted -= posted;
        debit.debits_pending += pending;
        let credit = self.accounts.get_mut(&(movement.credit, movement.currency)).unwrap();
        credit.posted += posted;
        credit.credits_pending += pending;
    }

    /// A payment by the API: whether the shop has the money.
    pub(super) fn pay(&mut self, shop: usize, amount: i64) -> bool {
        let movement = spent(shop, amount);
        let covered = self.check_funds(&movement).is_ok();
        if covered {
            self.change(&movement, amount, 0);
        }
        covered
    }

    /// The platform's accounts, which the next history goes on with.
    pub(super) fn system(&self) -> Vec<(Key, Balance)> {
        self.accounts
            .iter()
            .filter(|((owner, _), _)| *owner < SYSTEM.len())
            .map(|(key, balance)| (*key, *balance))
            .collect()
    }
}

/// The platform's accounts in a new database.
pub(super) fn new_system() -> Vec<(Key, Balance)> {
    let accounts = (0..SYSTEM.len()).flat_map(|owner| CURRENCIES.map(|currency| (owner, currency)));
    accounts.map(|key| (key, Balance::default())).collect()
}

fn movement(action: &Action) -> Option<&Movement> {
    match action {
        Action::Transfer(movement) | Action::Hold(movement, _) | Action::Reversal(_, movement) => Some(movement),
        Action::Capture(..) | Action::Void(_) | Action::Expire(_) => None,
    }
}

fn resolves(action: &Action) -> Option<usize> {
    match action {
        Action::Capture(hold, _) | Action::Void(hold) | Action::Expire(hold) => Some(*hold),
        Action::Transfer(_) | Action::Hold(..) | Action::Reversal(..) => None,
    }
}

fn reverses(action: &Action) -> Option<usize> {
    if let Action::Reversal(of, _) = action { Some(*of) } else { None }
}
