//! `datamp:ledger/transfers`: the ledger for other components. Values become the ledger's own here, and back; nothing is decided.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Display;

use datamp_models::core::{AccountId, AccountKind, Owner, ProviderName, TransferCode, TransferId, TransferKind};
use datamp_models::{Amount, Currency};
use datamp_sdk::database::{self, Transaction};
use datamp_sdk::{Timestamp, log};

use super::Core;
use super::bindings::exports::datamp::ledger::transfers as wit;
use crate::ledger::balance;
use crate::ledger::chains::{self, Chains};
use crate::ledger::lookup::{self, AccountOwner, Found};
use crate::ledger::{Answer, Movement, Posted, Posting, Refusal, store};
use crate::payments;
use crate::text::Text;

/// The most elements of a list.
const MAX: usize = 1000;

/// The platform's own accounts, besides those of payment providers: `system` in the contract names them by kind and name.
const SYSTEM: [Owner; 1] = [Owner::ADVERTISING];

impl wit::Guest for Core {
    fn post(lists: Vec<Vec<wit::Posting>>) -> Vec<Result<Vec<wit::Posted>, wit::Failure>> {
        // A list that is merged with others is never longer, so this one is of a single caller.
        if let Some(refusal) = out_of_bounds(&lists) {
            return lists.iter().map(|_| Err(wit::Failure::OutOfBounds(refusal.clone()))).collect();
        }
        if let Err(error) = open_providers(&lists) {
            return lists.iter().map(|_| Err(failure(chains::Failure::Unavailable(error.clone())))).collect();
        }
        let mut chains = Chains::default();
        let understood: Vec<Result<(), wit::Failure>> =
            lists.into_iter().map(|list| chains.push(chain(list)?).map_err(|_| no_chain())).collect();
        let post = &mut |postings: &[Posting]| database::transaction(|tx| post(tx, postings));
        let mut outcomes = chains.post(post).into_iter();
        let answer = |understood: Result<(), wit::Failure>| {
            understood?;
            let posted = outcomes.next().unwrap_or(Err(unanswered())).map_err(failure)?;
            Ok(posted.iter().map(told).collect())
        };
        understood.into_iter().map(answer).collect()
    }

    fn balances(accounts: Vec<wit::Account>) -> Vec<Result<wit::Balance, wit::ReadFailure>> {
        each(accounts, account, balance::now, |_, balance| wit::Balance {
            posted: balance.posted,
            available: balance.available(),
            debits_pending: balance.debits_pending,
            credits_pending: balance.credits_pending,
        })
    }

    fn get(ids: Vec<String>) -> Vec<Result<wit::Transfer, wit::ReadFailure>> {
        let id = |id: String| id.parse::<TransferId>().map_err(|error| invalid("ids", error));
        each(ids, id, lookup::get, |_, found| transfer(found))
    }
}

/// Posts, and lets the payments follow whose holds were resolved or whose money went back.
fn post(tx: &Transaction, postings: &[Posting]) -> Result<Vec<Answer>, database::Error> {
    let answers = store::post(tx, postings)?;
    let made = answers.iter().flatten().filter_map(Posted::made);
    let touched: Vec<TransferId> =
        made.filter_map(|transfer| transfer.pending_id.clone().or_else(|| transfer.reversal_of.clone())).collect();
    payments::follow(tx, &touched)?;
    Ok(answers)
}

thread_local! {
    /// Accounts that are open, for as long as there is a ledger: those that were seen to be are not opened again.
    static OPEN: RefCell<BTreeSet<(Owner, Currency)>> = const { RefCell::new(BTreeSet::new()) };
}

/// Opens the accounts of payment providers that are named and are not open: a provider's first money opens its account.
fn open_providers(lists: &[Vec<wit::Posting>]) -> Result<(), database::Error> {
    let movements = lists.iter().flatten().filter_map(|posting| match &posting.action {
        wit::Action::Transfer(movement) => Some(movement),
        wit::Action::Hold(hold) => Some(&hold.movement),
        _ => None,
    });
    let named = movements.flat_map(|movement| {
        let currency = movement.currency.parse::<Currency>().ok();
        [&movement.debit, &movement.credit].into_iter().filter_map(move |side| Some((provider(side)?, currency?)))
    });
    let new: Vec<_> = OPEN.with_borrow(|open| named.filter(|account| !open.contains(account)).collect());
    if new.is_empty() {
        return Ok(());
    }
    let unique: Vec<_> = new.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
    database::transaction(|tx| store::open(tx, &unique, Timestamp::now()))?;
    OPEN.with_borrow_mut(|open| open.extend(unique));
    Ok(())
}

/// The payment provider that an owner is, if it is one.
fn provider(owner: &wit::Owner) -> Option<Owner> {
    let wit::Owner::System(name) = owner else { return None };
    let name = name.strip_prefix("provider/")?;
    ProviderName::try_from(name.to_owned()).ok().map(Owner::Provider)
}

fn out_of_bounds<T>(list: &[T]) -> Option<String> {
    (list.len() > MAX).then(|| format!("the list must be at most {MAX} elements"))
}

fn no_chain() -> wit::Failure {
    wit::Failure::OutOfBounds(format!("a chain must be 1 to {MAX} postings"))
}

fn unanswered() -> chains::Failure {
    chains::Failure::Unavailable(database::Error::Other("a chain was not answered".to_owned()))
}

/// Reads a list: what can't be understood is answered at once, the rest by one `read`.
fn each<I, V, F, T>(
    inputs: Vec<I>,
    parse: impl Fn(I) -> Result<V, wit::ReadFailure>,
    read: impl FnOnce(&[V]) -> Result<Vec<Option<F>>, database::Error>,
    tell: impl Fn(&V, F) -> T,
) -> Vec<Result<T, wit::ReadFailure>> {
    if let Some(refusal) = out_of_bounds(&inputs) {
        return inputs.iter().map(|_| Err(wit::ReadFailure::OutOfBounds(refusal.clone()))).collect();
    }
    let mut understood = Vec::with_capacity(inputs.len());
    let places: Vec<_> = inputs.into_iter().map(|input| parse(input).map(|value| understood.push(value))).collect();
    let read = if understood.is_empty() { Ok(Vec::new()) } else { read(&understood) };
    let found = read.map_err(|error| {
        log::warn!("reading the ledger for another component: {}", error);
        wit::ReadFailure::Unavailable("core could not read it now".to_owned())
    });
    let mut found = found.map(|found| understood.iter().zip(found));
    let answer = |place: Result<(), wit::ReadFailure>| {
        place?;
        match &mut found {
            Ok(found) => match found.next() {
                Some((asked, Some(found))) => Ok(tell(asked, found)),
                _ => Err(wit::ReadFailure::NotFound),
            },
            Err(failure) => Err(failure.clone()),
        }
    };
    places.into_iter().map(answer).collect()
}

fn invalid(field: &str, error: impl Display) -> wit::ReadFailure {
    wit::ReadFailure::Invalid((field.to_owned(), error.to_string()))
}

fn account(account: wit::Account) -> Result<AccountId, wit::ReadFailure> {
    let owner = owner(account.owner).map_err(|error| invalid("owner", error))?;
    let currency = account.currency.parse().map_err(|error| invalid("currency", error))?;
    Ok(AccountId::of(&owner, currency))
}

fn chain(postings: Vec<wit::Posting>) -> Result<Vec<Posting>, wit::Failure> {
    if postings.len() > MAX {
        return Err(no_chain());
    }
    postings.into_iter().enumerate().map(|(place, posting)| Reading { posting: place }.posting(posting)).collect()
}

/// A posting that is read, by its place in its chain.
#[derive(Clone, Copy)]
struct Reading {
    posting: usize,
}

impl Reading {
    fn posting(self, posting: wit::Posting) -> Result<Posting, wit::Failure> {
        let id = self.field("id", posting.id.parse())?;
        let read = match posting.action {
            wit::Action::Transfer(movement) => Posting::of(self.movement(movement)?),
            wit::Action::Hold(hold) => {
                let movement = self.movement(hold.movement)?;
                let time = hold.expires_at.map(|time| self.field("expires-at", Timestamp::parse(&time)));
                Posting::hold(movement, time.transpose()?)
            }
            wit::Action::Capture(capture) => {
                let hold = self.field("hold", capture.hold.parse())?;
                let amount = capture.amount.map(|amount| self.field("amount", Amount::new(amount)));
                Posting::capture(hold, amount.transpose()?)
            }
            wit::Action::Void(hold) => Posting::void(self.field("void", hold.parse())?),
            wit::Action::Expire(hold) => Posting::expiry(self.field("expire", hold.parse())?),
            wit::Action::Reversal(reversal) => {
                let transfer = self.field("transfer", reversal.transfer.parse())?;
                Posting::reversal(transfer, self.movement(reversal.movement)?)
            }
        };
        Ok(read.with_id(id))
    }

    fn movement(self, movement: wit::Movement) -> Result<Movement, wit::Failure> {
        let debit = self.field("debit", owner(movement.debit))?;
        let credit = self.field("credit", owner(movement.credit))?;
        let currency: Currency = self.field("currency", movement.currency.parse())?;
        let amount = self.field("amount", Amount::new(movement.amount))?;
        // What staff do by hand leaves a trace that a posting has not.
        let by_hand = |code: &TransferCode| matches!(code, TransferCode::Adjustment | TransferCode::WriteOff);
        let code = TransferCode::named(&movement.code).filter(|code| !by_hand(code));
        let code = code.ok_or("must be a code that the contract names");
        let code = self.field("code", code)?;
        let reference: Text<200> = self.field("reference", movement.reference.try_into())?;
        Ok(Movement::between(&debit, &credit, amount, currency, code, reference.as_str()))
    }

    fn field<T>(self, name: &str, read: Result<T, impl Display>) -> Result<T, wit::Failure> {
        read.map_err(|error| {
            wit::Failure::Invalid(wit::InvalidValue {
                posting: place(self.posting),
                field: name.to_owned(),
                must: error.to_string(),
            })
        })
    }
}

/// A chain has fewer postings than could be counted.
fn place(posting: usize) -> u32 {
    u32::try_from(posting).unwrap_or(u32::MAX)
}

fn owner(owner: wit::Owner) -> Result<Owner, String> {
    match owner {
        wit::Owner::Shop(id) => id.parse().map(Owner::Shop).map_err(|error| format!("{error}")),
        wit::Owner::System(asked) => {
            if let Some(name) = asked.strip_prefix("provider/") {
                return ProviderName::try_from(name.to_owned()).map(Owner::Provider).map_err(|error| error.to_string());
            }
            let named = |owner: &Owner| owner.name().is_some_and(|name| system(owner.kind(), name) == asked);
            let unknown = || "must be an account of the platform that the contract names".to_owned();
            SYSTEM.into_iter().find(named).ok_or_else(unknown)
        }
    }
}

fn system(kind: AccountKind, name: &str) -> String {
    format!("{}/{name}", kind.as_str())
}

fn owned_by(owner: AccountOwner) -> wit::Owner {
    match owner.shop_id {
        Some(shop) => wit::Owner::Shop(shop.into()),
        None => wit::Owner::System(system(owner.kind, &owner.name.unwrap_or_default())),
    }
}

fn told(posted: &Posted) -> wit::Posted {
    let transfer = posted.transfer();
    wit::Posted {
        existed: posted.made().is_none(),
        amount: transfer.amount.minor_units(),
        created_at: transfer.created_at.to_rfc3339(),
    }
}

fn transfer(found: Found) -> wit::Transfer {
    let Found { known, debit, credit } = found;
    let transfer = known.transfer;
    wit::Transfer {
        id: transfer.id.into(),
        kind: kind(transfer.kind),
        debit: owned_by(debit),
        credit: owned_by(credit),
        currency: transfer.currency.to_string(),
        amount: transfer.amount.minor_units(),
        code: transfer.code.as_str().to_owned(),
        reference: transfer.reference,
        resolves: transfer.pending_id.map(String::from),
        reverses: transfer.reversal_of.map(String::from),
        expires_at: transfer.expires_at.map(Timestamp::to_rfc3339),
        created_at: transfer.created_at.to_rfc3339(),
        resolved_by: known.resolved.map(kind),
        reversed: known.reversed,
    }
}

fn kind(kind: TransferKind) -> wit::Kind {
    match kind {
        TransferKind::Posted => wit::Kind::Posted,
        TransferKind::Hold => wit::Kind::Hold,
        TransferKind::Capture => wit::Kind::Capture,
        TransferKind::Void => wit::Kind::Void,
        TransferKind::Expiry => wit::Kind::Expiry,
    }
}

fn failure(failure: chains::Failure) -> wit::Failure {
    let words = match failure {
        chains::Failure::Refused(posting, reason) => match refusal(reason) {
            Some(refusal) => return wit::Failure::Refused(wit::Refused { posting: place(posting), refusal }),
            None => format!("a whole chain was refused as {reason}"),
        },
        chains::Failure::Conflict(rule) => return wit::Failure::Conflict(rule),
        chains::Failure::Unavailable(error) => error.to_string(),
    };
    log::warn!("posting for another component: {}", words);
    wit::Failure::Unavailable("core could not do it now; ask again with the same ids".to_owned())
}

/// A refusal by the contract's name; none for those that only lists without chains have.
fn refusal(refusal: Refusal) -> Option<wit::Refusal> {
    Some(match refusal {
        Refusal::LinkedChainOpen | Refusal::LinkedTransferFailed => return None,
        Refusal::ExistsWithDifferentKind => wit::Refusal::ExistsWithDifferentKind,
        Refusal::ExistsWithDifferentHold => wit::Refusal::ExistsWithDifferentHold,
        Refusal::ExistsWithDifferentDebitAccount => wit::Refusal::ExistsWithDifferentDebitAccount,
        Refusal::ExistsWithDifferentCreditAccount => wit::Refusal::ExistsWithDifferentCreditAccount,
        Refusal::ExistsWithDifferentAmount => wit::Refusal::ExistsWithDifferentAmount,
        Refusal::ExistsWithDifferentCurrency => wit::Refusal::ExistsWithDifferentCurrency,
        Refusal::ExistsWithDifferentCode => wit::Refusal::ExistsWithDifferentCode,
        Refusal::ExistsWithDifferentReference => wit::Refusal::ExistsWithDifferentReference,
        Refusal::ExistsWithDifferentExpiry => wit::Refusal::ExistsWithDifferentExpiry,
        Refusal::ExistsWithDifferentReversal => wit::Refusal::ExistsWithDifferentReversal,
        Refusal::Exists => wit::Refusal::Exists,
        Refusal::AccountsMustDiffer => wit::Refusal::AccountsMustDiffer,
        Refusal::HoldNotFound => wit::Refusal::HoldNotFound,
        Refusal::TransferNotAHold => wit::Refusal::TransferNotAHold,
        Refusal::DebitAccountNotFound => wit::Refusal::DebitAccountNotFound,
        Refusal::CreditAccountNotFound => wit::Refusal::CreditAccountNotFound,
        Refusal::CurrencyMismatch => wit::Refusal::CurrencyMismatch,
        Refusal::HoldAlreadyCaptured => wit::Refusal::HoldAlreadyCaptured,
        Refusal::HoldAlreadyVoided => wit::Refusal::HoldAlreadyVoided,
        Refusal::HoldAlreadyExpired => wit::Refusal::HoldAlreadyExpired,
        Refusal::HoldExpired => wit::Refusal::HoldExpired,
        Refusal::HoldNotDue => wit::Refusal::HoldNotDue,
        Refusal::ReversedTransferNotFound => wit::Refusal::ReversedTransferNotFound,
        Refusal::TransferNotReversible => wit::Refusal::TransferNotReversible,
        Refusal::ReversalWithOtherAccounts => wit::Refusal::ReversalWithOtherAccounts,
        Refusal::DebitAccountClosed => wit::Refusal::DebitAccountClosed,
        Refusal::CreditAccountClosed => wit::Refusal::CreditAccountClosed,
        Refusal::DebitAccountFrozen => wit::Refusal::DebitAccountFrozen,
        Refusal::ExpiryPassed => wit::Refusal::ExpiryPassed,
        Refusal::ExceedsHold => wit::Refusal::ExceedsHold,
        Refusal::ExceedsReversible => wit::Refusal::ExceedsReversible,
        Refusal::InsufficientFunds => wit::Refusal::InsufficientFunds,
        Refusal::DebitTotalExceeded => wit::Refusal::DebitTotalExceeded,
        Refusal::CreditTotalExceeded => wit::Refusal::CreditTotalExceeded,
    })
}

#[cfg(test)]
mod tests;
