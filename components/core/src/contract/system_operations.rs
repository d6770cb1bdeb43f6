//! `datamp:core/system-operations`.

use std::fmt::Display;

use datamp_models::Amount;
use datamp_models::core::{Direction, OperationId, OperationStatus, TransferId};
use datamp_sdk::{Problem, database};

use super::bindings::datamp::core::types as wit;
use super::bindings::exports::datamp::core::system_operations as exported;
use super::{Core, batch, convert, failed, limit};
use crate::operations::system::decide::{self, Decision};
use crate::operations::system::operation::Original;
use crate::operations::system::policy::Policy;
use crate::operations::system::state::Verdict;
use crate::operations::system::{Action, Actor, NewOperation, Operation, Reason, Refusal, expiry, request, store};

type Error = exported::OperationError;

impl exported::Guest for Core {
    fn request(
        by: exported::Actor,
        request_id: String,
        new: Vec<exported::NewOperation>,
    ) -> Vec<Result<exported::Operation, Error>> {
        let by = actor(by);
        batch::each("new", new, new_operation, |new| {
            let (by, policy) = (by?, Policy::current().map_err(unavailable)?);
            expiry::settle().map_err(broken)?;
            let answers = request::request(&by, &request_id, new, &policy).map_err(broken)?;
            let ids = new.iter().map(|new| (&new.id, &new.action));
            Ok(answers.into_iter().zip(ids).map(|(answer, (id, action))| told(answer, id, Some(action))).collect())
        })
    }

    fn decide(
        by: exported::Actor,
        request_id: String,
        decisions: Vec<exported::Decision>,
    ) -> Vec<Result<exported::Operation, Error>> {
        let by = actor(by);
        batch::each("decisions", decisions, decision, |decisions| {
            let answers = decide::decide(&by?, &request_id, decisions).map_err(broken)?;
            Ok(answers.into_iter().zip(decisions).map(|(answer, asked)| told(answer, &asked.id, None)).collect())
        })
    }

    fn get(ids: Vec<String>) -> Vec<Result<exported::Operation, Error>> {
        batch::each(
            "ids",
            ids,
            |id| field("ids", id.parse::<OperationId>()),
            |ids| {
                expiry::settle().map_err(broken)?;
                let found = store::get(ids).map_err(broken)?;
                let answer = |(found, id): (Option<Operation>, &OperationId)| {
                    operation(found.ok_or_else(|| Error::OperationNotFound(id.to_string()))?)
                };
                Ok(found.into_iter().zip(ids).map(answer).collect())
            },
        )
    }

    fn list_operations(filter: exported::OperationFilter, page: wit::Page) -> Result<exported::OperationPage, Error> {
        let shop = filter.shop.map(|shop| field("shop", shop.parse())).transpose()?;
        let after = page.after.as_deref().map(|after| field("after", after.parse())).transpose()?;
        expiry::settle().map_err(broken)?;
        let (limit, status) = (limit(&page), filter.status.map(status_of));
        let found = store::page(shop.as_ref(), status, after.as_ref(), limit.rows()).map_err(broken)?;
        let page = crate::page::Page::new(found, limit, |operation| operation.id.to_string());
        let operations = page.data.into_iter().map(operation).collect::<Result<_, _>>()?;
        Ok(exported::OperationPage { operations, next: page.next })
    }

    fn waiting(other_than: Option<String>) -> Result<u64, Error> {
        let other_than = other_than.map(|staff| field("other-than", staff.parse())).transpose()?;
        expiry::settle().map_err(broken)?;
        let waiting = store::waiting(other_than.as_ref()).map_err(broken)?;
        Ok(u64::try_from(waiting).unwrap_or(0))
    }

    fn find_reversible(transfers: Vec<String>) -> Vec<Result<exported::Reversible, Error>> {
        batch::each(
            "transfers",
            transfers,
            |id| field("transfers", id.parse::<TransferId>()),
            |ids| {
                let found = store::reversible(ids).map_err(broken)?;
                let answer = |(found, id): (Option<Original>, &TransferId)| {
                    reversible(found.ok_or_else(|| Error::TransferNotFound(id.to_string()))?)
                };
                Ok(found.into_iter().zip(ids).map(answer).collect())
            },
        )
    }
}

/// Reads a field, or says what it must be.
fn field<T>(name: &str, read: Result<T, impl Display>) -> Result<T, Error> {
    read.map_err(|error| Error::Invalid((name.to_owned(), error.to_string())))
}

fn actor(by: exported::Actor) -> Result<Actor, Error> {
    Ok(Actor { id: field("by.id", by.id.parse())?, name: field("by.name", by.name.try_into())? })
}

fn new_operation(new: exported::NewOperation) -> Result<NewOperation, Error> {
    Ok(NewOperation {
        id: field("id", new.id.parse())?,
        action: action_of(new.action)?,
        reason: field("reason", Reason::try_from(new.reason))?,
    })
}

fn action_of(action: exported::Action) -> Result<Action, Error> {
    let shop = |shop: String| field("shop", shop.parse());
    let amount = |amount| field("amount", Amount::new(amount));
    Ok(match action {
        exported::Action::Adjustment(asked) => Action::Adjustment {
            shop: shop(asked.shop)?,
            direction: match asked.direction {
                wit::Direction::Incoming => Direction::Incoming,
                wit::Direction::Outgoing => Direction::Outgoing,
            },
            amount: amount(asked.amount)?,
            currency: field("currency", asked.currency.parse())?,
        },
        exported::Action::Reversal(asked) => {
            Action::Reversal { of: field("transfer", asked.transfer.parse())?, amount: amount(asked.amount)? }
        }
        exported::Action::WriteOff(asked) => Action::WriteOff {
            shop: shop(asked.shop)?,
            amount: amount(asked.amount)?,
            currency: field("currency", asked.currency.parse())?,
        },
        exported::Action::Freeze(id) => Action::Freeze(shop(id)?),
        exported::Action::Unfreeze(id) => Action::Unfreeze(shop(id)?),
        exported::Action::Close(id) => Action::Close(shop(id)?),
    })
}

fn decision(decision: exported::Decision) -> Result<Decision, Error> {
    let verdict = match decision.verdict {
        exported::Verdict::Approve => Verdict::Approve,
        exported::Verdict::Reject => Verdict::Reject,
    };
    let id = field("id", decision.id.parse())?;
    let comment = decision.comment.map(|comment| field("comment", comment.try_into())).transpose()?;
    if verdict == Verdict::Reject && comment.is_none() {
        return Err(Error::Invalid(("comment".to_owned(), "must say why it is rejected".to_owned())));
    }
    Ok(Decision { id, verdict, comment })
}

/// The answer to an element that was about an operation, and asked for this.
fn told(
    answer: Result<Operation, Refusal>,
    id: &OperationId,
    asked: Option<&Action>,
) -> Result<exported::Operation, Error> {
    let shop = || asked.and_then(Action::shop).map(ToString::to_string).unwrap_or_default();
    let transfer = || asked.and_then(Action::reversal_of).map(ToString::to_string).unwrap_or_default();
    match answer {
        Ok(found) => operation(found),
        Err(Refusal::OperationNotFound) => Err(Error::OperationNotFound(id.to_string())),
        Err(Refusal::IdTaken) => Err(Error::Conflict(id.to_string())),
        Err(Refusal::ShopNotFound) => Err(Error::ShopNotFound(shop())),
        Err(Refusal::TransferNotFound) => Err(Error::TransferNotFound(transfer())),
        Err(Refusal::NotReversible) => Err(Error::NotReversible(transfer())),
        Err(Refusal::AlreadyDecided(found)) => Err(Error::AlreadyDecided((id.to_string(), status(found)))),
        Err(Refusal::SamePerson) => Err(Error::SamePerson(id.to_string())),
    }
}

fn operation(operation: Operation) -> Result<exported::Operation, Error> {
    let malformed = || unavailable(Problem::internal("a row of the table operation has no action"));
    let action = match operation.action().ok_or_else(malformed)? {
        Action::Adjustment { shop, direction, amount, currency } => {
            exported::Action::Adjustment(exported::Adjustment {
                shop: shop.into(),
                direction: convert::direction(direction),
                amount: amount.minor_units(),
                currency: currency.to_string(),
            })
        }
        Action::Reversal { of, amount } => {
            exported::Action::Reversal(exported::Reversal { transfer: of.into(), amount: amount.minor_units() })
        }
        Action::WriteOff { shop, amount, currency } => exported::Action::WriteOff(exported::WriteOff {
            shop: shop.into(),
            amount: amount.minor_units(),
            currency: currency.to_string(),
        }),
        Action::Freeze(shop) => exported::Action::Freeze(shop.into()),
        Action::Unfreeze(shop) => exported::Action::Unfreeze(shop.into()),
        Action::Close(shop) => exported::Action::Close(shop.into()),
    };
    let decided_by = operation.decided_by.zip(operation.decided_by_name);
    Ok(exported::Operation {
        id: operation.id.into(),
        action,
        shop: operation.shop_id.into(),
        currency: operation.currency.map(|currency| currency.to_string()),
        reason: operation.reason,
        status: status(operation.status),
        requested_by: exported::Actor { id: operation.requested_by.into(), name: operation.requested_by_name },
        requested_at: operation.requested_at.to_rfc3339(),
        expires_at: operation.expires_at.map(|time| time.to_rfc3339()),
        decided_by: decided_by.map(|(id, name)| exported::Actor { id: id.into(), name }),
        comment: operation.comment,
        resolved_at: operation.resolved_at.map(|time| time.to_rfc3339()),
        refusal: operation.refusal,
        transfer: operation.transfer_id.map(String::from),
    })
}

fn status(status: OperationStatus) -> exported::OperationStatus {
    match status {
        OperationStatus::Requested => exported::OperationStatus::Requested,
        OperationStatus::Approved => exported::OperationStatus::Approved,
        OperationStatus::Executed => exported::OperationStatus::Executed,
        OperationStatus::Rejected => exported::OperationStatus::Rejected,
        OperationStatus::Expired => exported::OperationStatus::Expired,
        OperationStatus::Refused => exported::OperationStatus::Refused,
    }
}

fn status_of(status: exported::OperationStatus) -> OperationStatus {
    match status {
        exported::OperationStatus::Requested => OperationStatus::Requested,
        exported::OperationStatus::Approved => OperationStatus::Approved,
        exported::OperationStatus::Executed => OperationStatus::Executed,
        exported::OperationStatus::Rejected => OperationStatus::Rejected,
        exported::OperationStatus::Expired => OperationStatus::Expired,
        exported::OperationStatus::Refused => OperationStatus::Refused,
    }
}

/// A transfer as its shop sees it, with what can be taken back of it.
fn reversible(original: Original) -> Result<exported::Reversible, Error> {
    let Some(shop) = original.shop() else { return Err(Error::NotReversible(original.id.to_string())) };
    let gave = original.debit_shop_id.as_ref() == Some(shop);
    let direction = if gave { Direction::Outgoing } else { Direction::Incoming };
    Ok(exported::Reversible {
        left: original.left(),
        transfer: wit::Transfer {
            shop: shop.to_string(),
            id: original.id.into(),
            direction: convert::direction(direction),
            amount: original.amount,
            currency: original.currency.to_string(),
            code: original.code.as_str().to_owned(),
            reference: original.reference,
            created_at: original.created_at.to_rfc3339(),
        },
    })
}

/// Nothing took effect. The reason goes to the log.
fn broken(error: database::Error) -> Error {
    unavailable(Problem::from(error))
}

fn unavailable(problem: Problem) -> Error {
    failed(problem);
    Error::Unavailable("core could not do it now; nothing took effect".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: &str = "shop_01h455vb4pex5vsknk084sn02q";

    fn new(id: &str, action: exported::Action, reason: &str) -> exported::NewOperation {
        exported::NewOperation { id: id.to_owned(), action, reason: reason.to_owned() }
    }

    fn at_fault<T>(read: Result<T, Error>) -> Option<String> {
        match read {
            Ok(_) => None,
            Err(Error::Invalid((field, words))) => {
                assert!(words.starts_with("must "), "{words}");
                Some(field)
            }
            Err(error) => panic!("{error:?}"),
        }
    }

    #[test]
    fn what_can_not_be_taken_names_its_field() {
        let id = "op_01h455vb4pex5vsknk084sn02q";
        let adjustment = |shop: &str, amount, currency: &str| {
            exported::Action::Adjustment(exported::Adjustment {
                shop: shop.to_owned(),
                direction: wit::Direction::Incoming,
                amount,
                currency: currency.to_owned(),
            })
        };
        let reversal = |transfer: &str, amount| {
            exported::Action::Reversal(exported::Reversal { transfer: transfer.to_owned(), amount })
        };
        let freeze = |shop: &str| exported::Action::Freeze(shop.to_owned());
        for (read, field) in [
            (new(id, freeze(SHOP), "a good reason"), None),
            (new("", freeze(SHOP), "a good reason"), Some("id")),
            (new(SHOP, freeze(SHOP), "a good reason"), Some("id")),
            (new(id, freeze("shop_1"), "a good reason"), Some("shop")),
            (new(id, freeze(SHOP), "too short"), Some("reason")),
            (new(id, freeze(SHOP), &"x".repeat(501)), Some("reason")),
            (new(id, adjustment(SHOP, 1, "RUB"), "a good reason"), None),
            (new(id, adjustment("", 1, "RUB"), "a good reason"), Some("shop")),
            (new(id, adjustment(SHOP, 0, "RUB"), "a good reason"), Some("amount")),
            (new(id, adjustment(SHOP, -1, "RUB"), "a good reason"), Some("amount")),
            (new(id, adjustment(SHOP, 1_000_000_000_000_001, "RUB"), "a good reason"), Some("amount")),
            (new(id, adjustment(SHOP, 1, "rub"), "a good reason"), Some("currency")),
            (new(id, reversal("pay_1", 1), "a good reason"), Some("transfer")),
            (new(id, reversal("tr_01h455vb4pex5vsknk084sn02q", 0), "a good reason"), Some("amount")),
        ] {
            let shown = format!("{read:?}");
            assert_eq!(at_fault(new_operation(read)).as_deref(), field, "{shown}");
        }
        let by = |id: &str, name: &str| actor(exported::Actor { id: id.to_owned(), name: name.to_owned() });
        assert_eq!(at_fault(by("staff_01h455vb4pex5vsknk084sn02q", "Anna")), None);
        assert_eq!(at_fault(by("anna", "Anna")).as_deref(), Some("by.id"));
        assert_eq!(at_fault(by("staff_01h455vb4pex5vsknk084sn02q", " ")).as_deref(), Some("by.name"));
    }

    #[test]
    fn a_rejection_says_why() {
        let read = |verdict, comment: Option<&str>| {
            let id = "op_01h455vb4pex5vsknk084sn02q".to_owned();
            at_fault(decision(exported::Decision { id, verdict, comment: comment.map(str::to_owned) }))
        };
        assert_eq!(read(exported::Verdict::Approve, None), None);
        assert_eq!(read(exported::Verdict::Approve, Some("")).as_deref(), Some("comment"));
        assert_eq!(read(exported::Verdict::Reject, None).as_deref(), Some("comment"));
        assert_eq!(read(exported::Verdict::Reject, Some("not ours to pay")), None);
    }
}
