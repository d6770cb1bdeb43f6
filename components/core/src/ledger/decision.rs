//! What becomes of one posting, as the accounts and the transfers stand.
//!
//! The order of the checks is the precedence that [`Refusal`] documents.

use std::time::Duration;

use datamp_models::Amount;
use datamp_models::core::{AccountKind, AccountStatus, TransferId, TransferKind};
use datamp_models::money::MAX_TOTAL;
use datamp_sdk::Timestamp;

use super::account::Account;
use super::book::{Book, Known};
use super::posting::{Action, Movement, Posting};
use super::refusal::Refusal;
use super::transfer::{After, Transfer};

/// By how much the transfers of an account are apart at least: what the database can tell apart.
const TICK: Duration = Duration::from_micros(1);

/// What a decision takes from outside.
pub(super) struct Moment<'a> {
    pub(super) now: Timestamp,
    pub(super) id: &'a mut dyn FnMut() -> TransferId,
}

/// A transfer that is right to make, and both accounts as it leaves them.
pub(super) struct Decision {
    pub(super) transfer: Transfer,
    pub(super) debit: Account,
    pub(super) credit: Account,
}

/// Two accounts, and when something happens between them.
struct Pair {
    debit: Account,
    credit: Account,
    at: Timestamp,
}

impl Book {
    /// The transfer that a posting has made before, by its id; a refusal where another one has it.
    pub(super) fn existing(&self, posting: &Posting) -> Option<Result<Transfer, Refusal>> {
        let existing = &self.known.get(posting.id.as_ref()?)?.transfer;
        Some(self.compare(posting, existing).map(|()| existing.clone()))
    }

    fn compare(&self, posting: &Posting, existing: &Transfer) -> Result<(), Refusal> {
        let same = |equal, refusal| if equal { Ok(()) } else { Err(refusal) };
        same(existing.kind == kind(&posting.action), Refusal::ExistsWithDifferentKind)?;
        same(existing.pending_id.as_ref() == posting.resolves(), Refusal::ExistsWithDifferentHold)?;
        if let Some(movement) = posting.movement() {
            same(existing.debit == movement.debit, Refusal::ExistsWithDifferentDebitAccount)?;
            same(existing.credit == movement.credit, Refusal::ExistsWithDifferentCreditAccount)?;
            same(existing.amount == movement.amount, Refusal::ExistsWithDifferentAmount)?;
            same(existing.currency == movement.currency, Refusal::ExistsWithDifferentCurrency)?;
            same(existing.code == movement.code, Refusal::ExistsWithDifferentCode)?;
            same(existing.reference == movement.reference, Refusal::ExistsWithDifferentReference)?;
        }
        if let Action::Capture { hold, amount } = &posting.action {
            let asked = amount.or_else(|| self.known.get(hold).map(|hold| hold.transfer.amount));
            same(asked == Some(existing.amount), Refusal::ExistsWithDifferentAmount)?;
        }
        if let Action::Hold { expires_at, .. } = &posting.action {
            same(existing.expires_at == *expires_at, Refusal::ExistsWithDifferentExpiry)?;
        }
        same(existing.reversal_of.as_ref() == posting.reverses(), Refusal::ExistsWithDifferentReversal)
    }

    pub(super) fn decide(&self, posting: &Posting, moment: &mut Moment<'_>) -> Result<Decision, Refusal> {
        match &posting.action {
            Action::Post { movement, reversal_of } => {
                let mut pair = self.pair(movement, moment.now)?;
                if let Some(reversed) = reversal_of {
                    self.check_accounts_of_reversal(movement, reversed)?;
                }
                check_open(&pair.debit, &pair.credit)?;
                if let Some(reversed) = reversal_of.as_ref().and_then(|id| self.known.get(id)) {
                    check_amount_of_reversal(movement, reversed)?;
                }
                check_funds(&pair.debit, movement.amount)?;
                let amount = movement.amount.minor_units();
                add_debit(&mut pair.debit, amount, 0)?;
                add_credit(&mut pair.credit, amount, 0)?;
                let parts = Parts { reversal_of: reversal_of.clone(), ..Parts::of(TransferKind::Posted) };
                Ok(pair.decision(posting, movement, parts, moment))
            }
            Action::Hold { movement, expires_at } => {
                let mut pair = self.pair(movement, moment.now)?;
                check_open(&pair.debit, &pair.credit)?;
                if expires_at.is_some_and(|expires_at| expires_at <= pair.at) {
                    return Err(Refusal::ExpiryPassed);
                }
                check_funds(&pair.debit, movement.amount)?;
                let amount = movement.amount.minor_units();
                add_debit(&mut pair.debit, 0, amount)?;
                add_credit(&mut pair.credit, 0, amount)?;
                let parts = Parts { expires_at: *expires_at, ..Parts::of(TransferKind::Hold) };
                Ok(pair.decision(posting, movement, parts, moment))
            }
            Action::Capture { hold, amount } => {
                self.resolve(posting, hold, TransferKind::Capture, moment, |held| amount.unwrap_or(held))
            }
            Action::Void { hold } => self.resolve(posting, hold, TransferKind::Void, moment, |held| held),
            Action::Expire { hold } => self.resolve(posting, hold, TransferKind::Expiry, moment, |held| held),
        }
    }

    /// `amount` tells what of the amount that is held the transfer is about.
    fn resolve(
        &self,
        posting: &Posting,
        id: &TransferId,
        kind: TransferKind,
        moment: &mut Moment<'_>,
        amount: impl FnOnce(Amount) -> Amount,
    ) -> Result<Decision, Refusal> {
        let Known { transfer: hold, resolved, .. } = self.known.get(id).ok_or(Refusal::HoldNotFound)?;
        if hold.kind != TransferKind::Hold {
            return Err(Refusal::TransferNotAHold);
        }
        let movement = Movement {
            debit: hold.debit.clone(),
            credit: hold.credit.clone(),
            amount: amount(hold.amount),
            currency: hold.currency,
            code: hold.code,
            reference: hold.reference.clone(),
        };
        let mut pair = self.pair(&movement, moment.now)?;
        match resolved {
            None => {}
            Some(TransferKind::Void) => return Err(Refusal::HoldAlreadyVoided),
            Some(TransferKind::Expiry) => return Err(Refusal::HoldAlreadyExpired),
            Some(TransferKind::Capture | TransferKind::Posted | TransferKind::Hold) => {
                return Err(Refusal::HoldAlreadyCaptured);
            }
        }
        let due = hold.expires_at.is_some_and(|expires_at| expires_at <= pair.at);
        match (kind, due) {
            (TransferKind::Expiry, false) => return Err(Refusal::HoldNotDue),
            (TransferKind::Capture | TransferKind::Void, true) => return Err(Refusal::HoldExpired),
            _ => {}
        }
        let (held, amount) = (hold.amount.minor_units(), movement.amount.minor_units());
        let posted = if kind == TransferKind::Capture {
            check_open(&pair.debit, &pair.credit)?;
            if amount > held {
                return Err(Refusal::ExceedsHold);
            }
            amount
        } else {
            // Whatever the accounts' standing, what is held must be free one day.
            0
        };
        add_debit(&mut pair.debit, posted, -held)?;
        add_credit(&mut pair.credit, posted, -held)?;
        let parts = Parts { pending_id: Some(id.clone()), ..Parts::of(kind) };
        Ok(pair.decision(posting, &movement, parts, moment))
    }

    fn pair(&self, movement: &Movement, now: Timestamp) -> Result<Pair, Refusal> {
        if movement.debit == movement.credit {
            return Err(Refusal::AccountsMustDiffer);
        }
        let debit = self.accounts.get(&movement.debit).cloned().ok_or(Refusal::DebitAccountNotFound)?;
        let credit = self.accounts.get(&movement.credit).cloned().ok_or(Refusal::CreditAccountNotFound)?;
        if debit.currency != movement.currency || credit.currency != movement.currency {
            return Err(Refusal::CurrencyMismatch);
        }
        // Times order the transfers of an account, so a clock that stands still or goes back must not be believed.
        let at = now.max(debit.posted_at + TICK).max(credit.posted_at + TICK);
        Ok(Pair { debit, credit, at })
    }

    fn check_accounts_of_reversal(&self, movement: &Movement, reversed: &TransferId) -> Result<(), Refusal> {
        let reversed = &self.known.get(reversed).ok_or(Refusal::ReversedTransferNotFound)?.transfer;
        if !matches!(reversed.kind, TransferKind::Posted | TransferKind::Capture) {
            return Err(Refusal::TransferNotReversible);
        }
        if (&reversed.debit, &reversed.credit) != (&movement.credit, &movement.debit) {
            return Err(Refusal::ReversalWithOtherAccounts);
        }
        Ok(())
    }
}

fn kind(action: &Action) -> TransferKind {
    match action {
        Action::Post { .. } => TransferKind::Posted,
        Action::Hold { .. } => TransferKind::Hold,
        Action::Capture { .. } => TransferKind::Capture,
        Action::Void { .. } => TransferKind::Void,
        Action::Expire { .. } => TransferKind::Expiry,
    }
}

fn check_open(debit: &Account, credit: &Account) -> Result<(), Refusal> {
    if debit.status == AccountStatus::Closed {
        return Err(Refusal::DebitAccountClosed);
    }
    if credit.status == AccountStatus::Closed {
        return Err(Refusal::CreditAccountClosed);
    }
    if debit.status == AccountStatus::Frozen {
        return Err(Refusal::DebitAccountFrozen);
    }
    Ok(())
}

fn check_amount_of_reversal(movement: &Movement, reversed: &Known) -> Result<(), Refusal> {
    let left = reversed.transfer.amount.minor_units() - reversed.reversed;
    if movement.amount.minor_units() > left { Err(Refusal::ExceedsReversible) } else { Ok(()) }
}

fn check_funds(debit: &Account, amount: Amount) -> Result<(), Refusal> {
    let covered = debit.kind != AccountKind::Shop || debit.totals.available() >= amount.minor_units();
    if covered { Ok(()) } else { Err(Refusal::InsufficientFunds) }
}

fn add_debit(account: &mut Account, posted: i64, pending: i64) -> Result<(), Refusal> {
    let totals = &mut account.totals;
    (totals.debits_posted, totals.debits_pending) =
        added((totals.debits_posted, totals.debits_pending), (posted, pending)).ok_or(Refusal::DebitTotalExceeded)?;
    Ok(())
}

fn add_credit(account: &mut Account, posted: i64, pending: i64) -> Result<(), Refusal> {
    let totals = &mut account.totals;
    (totals.credits_posted, totals.credits_pending) =
        added((totals.credits_posted, totals.credits_pending), (posted, pending))
            .ok_or(Refusal::CreditTotalExceeded)?;
    Ok(())
}

/// What is posted and pending with more added, if both stay in range together: then every capture stays in it too.
fn added(totals: (i64, i64), more: (i64, i64)) -> Option<(i64, i64)> {
    let posted = totals.0.checked_add(more.0)?;
    let pending = totals.1.checked_add(more.1)?;
    let in_range = pending >= 0 && posted.checked_add(pending)? <= MAX_TOTAL;
    in_range.then_some((posted, pending))
}

/// What only some kinds of transfers have.
struct Parts {
    kind: TransferKind,
    pending_id: Option<TransferId>,
    reversal_of: Option<TransferId>,
    expires_at: Option<Timestamp>,
}

impl Parts {
    fn of(kind: TransferKind) -> Self {
        Self { kind, pending_id: None, reversal_of: None, expires_at: None }
    }
}

impl Pair {
    fn decision(self, posting: &Posting, movement: &Movement, parts: Parts, moment: &mut Moment<'_>) -> Decision {
        let Self { mut debit, mut credit, at } = self;
        debit.posted_at = at;
        credit.posted_at = at;
        let transfer = Transfer {
            id: posting.id.clone().unwrap_or_else(|| (moment.id)()),
            kind: parts.kind,
            debit: movement.debit.clone(),
            credit: movement.credit.clone(),
            amount: movement.amount,
            currency: movement.currency,
            code: movement.code,
            reference: movement.reference.clone(),
            pending_id: parts.pending_id,
            reversal_of: parts.reversal_of,
            expires_at: parts.expires_at,
            debit_after: After::of(&debit),
            credit_after: After::of(&credit),
            created_at: at,
        };
        Decision { transfer, debit, credit }
    }
}
