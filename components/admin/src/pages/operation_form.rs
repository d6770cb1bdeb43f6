//! The forms by which operations are asked for: from a shop's page, and from a transfer.
//!
//! A form carries the id of the operation that it makes, so that one that is sent twice makes one.

use askama::Template;
use datamp_models::Currency;
use datamp_sdk::{Form, Path, id, log};
use serde::Deserialize;

use super::frame::Frame;
use super::money::needs_core;
use super::operation::{end, notice};
use super::shops::only;
use super::{operations, respond, see};
use crate::access::{And, Answer, Refusal, Visit};
use crate::audit::{Action as Audited, Begun, Entry as Record, Values, values};
use crate::contract::system_operations::{
    self, Action, Actor, Adjustment, NewOperation, Operation, OperationError, Reversal, Reversible, WriteOff,
};
use crate::contract::{self, Balance, Direction, Shop, ShopStatus};
use crate::format;
use crate::i18n::Language;
use crate::staff::profile;

/// Which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Adjust,
    WriteOff,
    Freeze,
    Unfreeze,
    Close,
    Reverse,
}

impl Kind {
    /// Those of a shop's page, by their names in addresses.
    fn of_shop(name: &str) -> Option<Self> {
        Some(match name {
            "adjust" => Self::Adjust,
            "write-off" => Self::WriteOff,
            "freeze" => Self::Freeze,
            "unfreeze" => Self::Unfreeze,
            "close" => Self::Close,
            _ => return None,
        })
    }

    fn title(self) -> &'static str {
        match self {
            Self::Adjust => "operation.adjust-title",
            Self::WriteOff => "operation.write-off-title",
            Self::Freeze => "operation.freeze-title",
            Self::Unfreeze => "operation.unfreeze-title",
            Self::Close => "operation.close-title",
            Self::Reverse => "operation.reverse-title",
        }
    }

    fn lead(self) -> &'static str {
        match self {
            Self::Adjust => "operation.adjust-lead",
            Self::WriteOff => "operation.write-off-lead",
            Self::Freeze => "operation.freeze-lead",
            Self::Unfreeze => "operation.unfreeze-lead",
            Self::Close => "operation.close-lead",
            Self::Reverse => "operation.reverse-lead",
        }
    }

    fn button(self) -> &'static str {
        match self {
            Self::Adjust => "operation.adjust-button",
            Self::WriteOff => "operation.write-off-button",
            Self::Freeze => "operation.freeze-button",
            Self::Unfreeze => "operation.unfreeze-button",
            Self::Close => "operation.close-button",
            Self::Reverse => "operation.reverse-button",
        }
    }

    /// Which approval it needs.
    fn approval(self) -> &'static str {
        match self {
            Self::Adjust | Self::Reverse => "operation.approval-above",
            Self::WriteOff | Self::Close => "operation.approval-always",
            Self::Freeze | Self::Unfreeze => "operation.approval-never",
        }
    }

    fn moves_money(self) -> bool {
        matches!(self, Self::Adjust | Self::WriteOff | Self::Reverse)
    }
}

/// What is wrong with a form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Wrong {
    amount: bool,
    reason: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Given {
    operation: String,
    direction: String,
    currency: String,
    amount: String,
    reason: String,
}

#[derive(Template)]
#[template(path = "pages/operation_form.html")]
struct FormPage {
    f: Frame,
    kind: Kind,
    /// Where the form is sent to.
    target: String,
    shop: Shop,
    balances: Vec<Balance>,
    reversible: Option<Reversible>,
    given: Given,
    wrong: Wrong,
}

/// What a form is about.
struct Subject {
    kind: Kind,
    target: String,
    shop: Shop,
    balances: Vec<Balance>,
    reversible: Option<Reversible>,
}

impl Subject {
    fn of_shop(shop: String, kind: &str) -> Result<Self, Refusal> {
        needs_core()?;
        let kind = Kind::of_shop(kind).ok_or_else(Refusal::not_found)?;
        let ids = [shop];
        let shop = only(contract::get_shops(&ids))??;
        let balances = if kind.moves_money() { only(contract::balances(&ids))?? } else { Vec::new() };
        let fits = match (kind, &shop.status) {
            (_, ShopStatus::Closed) => false,
            (Kind::Freeze, status) => *status == ShopStatus::Active,
            (Kind::Unfreeze, status) => *status == ShopStatus::Frozen,
            _ => true,
        };
        // Somebody else was faster.
        if !fits {
            return Err(Refusal::decided());
        }
        let target = format!("/admin/shops/{}/operations/{}", shop.id, kind_name(kind));
        Ok(Self { kind, target, shop, balances, reversible: None })
    }

    fn of_transfer(transfer: String) -> Result<Self, Refusal> {
        needs_core()?;
        let reversible = only(system_operations::find_reversible(&[transfer]))??;
        let shop = only(contract::get_shops(std::slice::from_ref(&reversible.transfer.shop)))??;
        let target = format!("/admin/transfers/{}/reverse", reversible.transfer.id);
        Ok(Self { kind: Kind::Reverse, target, shop, balances: Vec::new(), reversible: Some(reversible) })
    }

    fn page(self, visit: &Visit, status: u16, given: Given, wrong: Wrong) -> Answer {
        let section = if self.kind == Kind::Reverse { "transfers" } else { "shops" };
        let f = visit.frame(section)?;
        let Self { kind, target, shop, balances, reversible } = self;
        Ok(respond(status, &FormPage { f, kind, target, shop, balances, reversible, given, wrong }))
    }

    /// The operation that was asked for, or what is wrong with the form.
    fn read(&self, given: &Given) -> Result<NewOperation, Wrong> {
        let reason = profile::operation_reason(&given.reason);
        let currency = self.reversible.as_ref().map_or(given.currency.as_str(), |one| one.transfer.currency.as_str());
        let known = self.reversible.is_some() || self.balances.iter().any(|balance| balance.currency == currency);
        let parsed = currency.parse::<Currency>().ok().filter(|_| known);
        let amount = parsed.and_then(|currency| format::amount(&given.amount, currency));
        let fits = |amount: i64| self.reversible.as_ref().is_none_or(|one| amount <= one.left);
        let amount = amount.filter(|amount| fits(*amount));
        let (shop, currency) = (self.shop.id.clone(), currency.to_owned());
        let action = match (self.kind, amount, &self.reversible) {
            (Kind::Adjust, Some(amount), _) => {
                let outgoing = given.direction == "outgoing";
                let direction = if outgoing { Direction::Outgoing } else { Direction::Incoming };
                Some(Action::Adjustment(Adjustment { shop, direction, amount, currency }))
            }
            (Kind::WriteOff, Some(amount), _) => Some(Action::WriteOff(WriteOff { shop, amount, currency })),
            (Kind::Reverse, Some(amount), Some(reversible)) => {
                Some(Action::Reversal(Reversal { transfer: reversible.transfer.id.clone(), amount }))
            }
            (Kind::Adjust | Kind::WriteOff | Kind::Reverse, _, _) => None,
            (Kind::Freeze, _, _) => Some(Action::Freeze(shop)),
            (Kind::Unfreeze, _, _) => Some(Action::Unfreeze(shop)),
            (Kind::Close, _, _) => Some(Action::Close(shop)),
        };
        match (action, reason) {
            (Some(action), Some(reason)) => Ok(NewOperation { id: given.operation.clone(), action, reason }),
            (action, reason) => Err(Wrong { amount: action.is_none(), reason: reason.is_none() }),
        }
    }
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Adjust => "adjust",
        Kind::WriteOff => "write-off",
        Kind::Freeze => "freeze",
        Kind::Unfreeze => "unfreeze",
        Kind::Close => "close",
        Kind::Reverse => "reverse",
    }
}

/// `GET /admin/shops/{id}/operations/{kind}`
pub(crate) fn show(visit: &Visit, Path((shop, kind)): Path<(String, String)>) -> Answer {
    let subject = Subject::of_shop(shop, &kind)?;
    let given = Given { operation: id::new("op"), direction: "incoming".to_owned(), ..Given::default() };
    subject.page(visit, 200, given, Wrong::default())
}

/// `POST /admin/shops/{id}/operations/{kind}`
pub(crate) fn submit(
    visit: &Visit,
    And(Path((shop, kind)), Form(given)): And<Path<(String, String)>, Form<Given>>,
) -> Answer {
    match sent_before(&given)? {
        Some(there) => Ok(there),
        None => ask(visit, Subject::of_shop(shop, &kind)?, given),
    }
}

/// `GET /admin/transfers/{id}/reverse`
pub(crate) fn show_reversal(visit: &Visit, Path(transfer): Path<String>) -> Answer {
    let subject = Subject::of_transfer(transfer)?;
    let left = subject.reversible.as_ref().map(|one| format::plain(one.left, &one.transfer.currency));
    let given = Given { operation: id::new("op"), amount: left.unwrap_or_default(), ..Given::default() };
    subject.page(visit, 200, given, Wrong::default())
}

/// `POST /admin/transfers/{id}/reverse`
pub(crate) fn reverse(visit: &Visit, And(Path(transfer), Form(given)): And<Path<String>, Form<Given>>) -> Answer {
    match sent_before(&given)? {
        Some(there) => Ok(there),
        None => ask(visit, Subject::of_transfer(transfer)?, given),
    }
}

/// Where the operation of a form is, if the form was sent before: a frozen shop is not frozen again, but the operation is there.
fn sent_before(given: &Given) -> Result<Option<datamp_sdk::Response>, Refusal> {
    needs_core()?;
    match only(system_operations::get(std::slice::from_ref(&given.operation)))? {
        Ok(operation) if is_same(&operation, given) => Ok(Some(see(format!("/admin/operations/{}", operation.id)))),
        // Somebody went back to the form and asks for something else by it.
        Ok(_) => Err(Refusal::decided()),
        Err(OperationError::OperationNotFound(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn is_same(operation: &Operation, given: &Given) -> bool {
    let currency = operation.currency.as_deref().and_then(|currency| currency.parse::<Currency>().ok());
    let direction = match &operation.action {
        Action::Adjustment(one) if one.direction == Direction::Outgoing => "outgoing",
        Action::Adjustment(_) => "incoming",
        _ => given.direction.as_str(),
    };
    let moves = operations::amount(&operation.action);
    let is_in_currency = currency.is_none_or(|currency| given.currency.is_empty() || given.currency == currency.code());
    is_in_currency
        && profile::operation_reason(&given.reason).as_ref() == Some(&operation.reason)
        && moves == currency.and_then(|currency| format::amount(&given.amount, currency))
        && given.direction == direction
}

fn ask(visit: &Visit, subject: Subject, given: Given) -> Answer {
    let member = visit.member()?;
    let new = match subject.read(&given) {
        Ok(new) => new,
        Err(wrong) => return subject.page(visit, 422, given, wrong),
    };
    let entry = Record {
        subject: Some(&new.id),
        reason: Some(&new.reason),
        after: told(&subject, &new.action),
        ..Record::by(member, Audited::OperationRequest)
    };
    let begun = Begun::new(visit, entry)?;
    let by = Actor { id: member.id.clone(), name: member.name.clone() };
    let answer = only(system_operations::request(&by, visit.request().request_id(), std::slice::from_ref(&new)))?;
    end(&begun, &answer);
    let operation = answer?;
    log::info!("an operation was asked for"; operation = operation.id, staff = member.id);
    visit.leave(&notice(&operation, visit.language()))?;
    Ok(see(format!("/admin/operations/{}", operation.id)))
}

/// What was asked for, for the audit.
fn told(subject: &Subject, action: &Action) -> Values {
    let name = match action {
        Action::Adjustment(adjustment) if adjustment.direction == Direction::Outgoing => "debit",
        Action::Adjustment(_) => "credit",
        _ => kind_name(subject.kind),
    };
    let mut told = values([("operation", name), ("shop", &subject.shop.id)]);
    let money = |amount, currency: &str| format::money(amount, currency, Language::English);
    let amount = match (action, &subject.reversible) {
        (Action::Adjustment(Adjustment { amount, currency, .. }), _) => Some(money(*amount, currency)),
        (Action::WriteOff(WriteOff { amount, currency, .. }), _) => Some(money(*amount, currency)),
        (Action::Reversal(reversal), Some(reversible)) => Some(money(reversal.amount, &reversible.transfer.currency)),
        _ => None,
    };
    told.extend(amount.map(|amount| ("amount".to_owned(), amount)));
    if let Action::Reversal(reversal) = action {
        told.insert("transfer".to_owned(), reversal.transfer.clone());
    }
    told
}

#[cfg(test)]
mod tests;
