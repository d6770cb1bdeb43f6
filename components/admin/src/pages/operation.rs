//! One operation: what it is, its history, and what a second person says about it.

use askama::Template;
use datamp_models::admin::AuditOutcome;
use datamp_sdk::{Form, Path};
use serde::Deserialize;

use super::frame::Frame;
use super::money::needs_core;
use super::notice::Notice;
use super::shops::only;
use super::{operations, respond, see};
use crate::access::{And, Answer, Refusal, Visit};
use crate::audit::{Action as Audited, Begun, Entry as Record, values};
use crate::contract::system_operations::{
    self, Action, Actor, Decision, Operation, OperationError, OperationStatus, Verdict,
};
use crate::contract::{self, Entry, EntryFilter, Page};
use crate::i18n::Language;
use crate::roles::Permission;
use crate::staff::profile;

/// A step of its history.
struct Step {
    entry: Entry,
    what: String,
    /// What it changed, before and after.
    changes: Vec<Change>,
}

/// One value that a step changed.
#[derive(Debug, PartialEq, Eq)]
struct Change {
    name: String,
    before: Option<String>,
    after: Option<String>,
}

/// The values of core's audit, as far as they are shown; what is not known here is left out.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Snapshot {
    shop_status: Option<String>,
    balances: Vec<Balance>,
}

#[derive(Deserialize)]
struct Balance {
    account: String,
    shop: Option<String>,
    currency: String,
    posted: i64,
}

#[derive(Template)]
#[template(path = "pages/operation.html")]
struct OperationPage {
    f: Frame,
    operation: Operation,
    shop_name: Option<String>,
    moves: Option<(i64, String)>,
    reversed: Option<String>,
    refusal: Option<String>,
    steps: Vec<Step>,
    /// Whoever looks asked for it.
    own: bool,
    /// Whoever looks may decide, and it waits.
    open: bool,
    comment: String,
    comment_error: bool,
}

#[derive(Deserialize)]
pub(crate) struct Given {
    verdict: String,
    #[serde(default)]
    comment: String,
}

/// `GET /admin/operations/{id}`
pub(crate) fn show(visit: &Visit, Path(id): Path<String>) -> Answer {
    show_again(visit, &id, 200, String::new())
}

fn show_again(visit: &Visit, id: &str, status: u16, comment: String) -> Answer {
    needs_core()?;
    let operation = only(system_operations::get(&[id.to_owned()]))??;
    let shop = contract::get_shops(std::slice::from_ref(&operation.shop)).into_iter().flatten().next();
    let f = visit.frame("operations")?;
    let steps = steps(id, f.language)?;
    let page = OperationPage {
        shop_name: shop.map(|shop| shop.name),
        moves: operations::amount(&operation.action).zip(operation.currency.clone()),
        reversed: match &operation.action {
            Action::Reversal(reversal) => Some(reversal.transfer.clone()),
            _ => None,
        },
        refusal: operation.refusal.as_deref().map(|name| refusal(name, f.language)),
        own: visit.member()?.id == operation.requested_by.id,
        open: operation.status == OperationStatus::Requested && f.may(Permission::ChangeMoney),
        f,
        operation,
        steps,
        comment,
        comment_error: status != 200,
    };
    Ok(respond(status, &page))
}

/// A refusal's name in words; the name itself where there are none.
pub(super) fn refusal(name: &str, language: Language) -> String {
    language.lookup(&format!("operation.refusal.{name}")).map_or_else(|| name.to_owned(), str::to_owned)
}

/// The history, oldest first. An operation has three steps at most.
fn steps(id: &str, language: Language) -> Result<Vec<Step>, Refusal> {
    let filter = EntryFilter { subject: Some(id.to_owned()), shop: None };
    let mut entries = contract::list_entries(&filter, &Page { limit: 50, after: None })?.entries;
    entries.reverse();
    Ok(entries.into_iter().map(|entry| step(entry, language)).collect())
}

fn step(entry: Entry, language: Language) -> Step {
    let name = entry.action.strip_prefix("operation.").unwrap_or(&entry.action);
    let what = language.lookup(&format!("operation.step.{name}"));
    let what = what.map_or_else(|| entry.action.clone(), str::to_owned);
    let snapshot = |json: &Option<String>| -> Snapshot {
        json.as_deref().and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
    };
    let (before, after) = (snapshot(&entry.before), snapshot(&entry.after));
    Step { changes: changes(&before, &after, language), what, entry }
}

fn changes(before: &Snapshot, after: &Snapshot, language: Language) -> Vec<Change> {
    let mut changes = Vec::new();
    if before.shop_status.is_some() || after.shop_status.is_some() {
        let words = |status: &Option<String>| status.as_deref().map(|status| shop_status(status, language));
        changes.push(Change {
            name: language.text("shop.status").to_owned(),
            before: words(&before.shop_status),
            after: words(&after.shop_status),
        });
    }
    for balance in &after.balances {
        let money = |balance: &Balance| crate::format::money(balance.posted, &balance.currency, language);
        let key = if balance.shop.is_some() { "operation.shop-account" } else { "operation.system-account" };
        changes.push(Change {
            name: language.text(key).to_owned(),
            before: before.balances.iter().find(|one| one.account == balance.account).map(money),
            after: Some(money(balance)),
        });
    }
    changes
}

fn shop_status(status: &str, language: Language) -> String {
    let key = match status {
        "active" => "shop.active",
        "frozen" => "shop.frozen",
        "closed" => "shop.closed",
        _ => return status.to_owned(),
    };
    language.text(key).to_owned()
}

/// `POST /admin/operations/{id}/decision`
pub(crate) fn decide(visit: &Visit, And(Path(id), Form(given)): And<Path<String>, Form<Given>>) -> Answer {
    needs_core()?;
    let member = visit.member()?;
    let (verdict, action) = match given.verdict.as_str() {
        "approve" => (Verdict::Approve, Audited::OperationApprove),
        "reject" => (Verdict::Reject, Audited::OperationReject),
        _ => return Err(Refusal::not_found()),
    };
    // Every operation that there is has an id of this form: nothing else may get into the audit.
    let before = only(system_operations::get(std::slice::from_ref(&id)))??;
    let comment = profile::reason(&given.comment);
    if comment.is_none() && (verdict == Verdict::Reject || !given.comment.trim().is_empty()) {
        return show_again(visit, &id, 422, given.comment);
    }

    let entry = Record {
        subject: Some(&id),
        reason: comment.as_deref(),
        before: values([("status", status_name(before.status))]),
        ..Record::by(member, action)
    };
    let begun = Begun::new(visit, entry)?;
    let by = Actor { id: member.id.clone(), name: member.name.clone() };
    let decision = Decision { id: id.clone(), verdict, comment: comment.clone() };
    let answer = only(system_operations::decide(&by, visit.request().request_id(), &[decision]))?;
    end(&begun, &answer);
    visit.leave(&notice(&answer?, visit.language()))?;
    Ok(see(format!("/admin/operations/{id}")))
}

/// Records how it went.
pub(super) fn end(begun: &Begun<'_>, answer: &Result<Operation, OperationError>) {
    match answer {
        Ok(operation) => {
            let mut more = values([("status", status_name(operation.status))]);
            more.extend(operation.refusal.clone().map(|refusal| ("refusal".to_owned(), refusal)));
            begun.end(AuditOutcome::Done, more);
        }
        Err(error) => begun.end(AuditOutcome::Refused, values([("refusal", &words(error))])),
    }
}

/// What the next page says. A refusal of the ledger stands on the operation's page, and is no success to tell.
pub(super) fn notice(operation: &Operation, language: Language) -> Notice {
    match operation.status {
        OperationStatus::Requested => Notice::OperationWaits,
        OperationStatus::Approved | OperationStatus::Executed => Notice::OperationExecuted,
        OperationStatus::Rejected => Notice::OperationRejected,
        OperationStatus::Expired | OperationStatus::Refused => {
            Notice::OperationRefused { refusal: refusal(operation.refusal.as_deref().unwrap_or("expired"), language) }
        }
    }
}

/// A status, for the audit.
fn status_name(status: OperationStatus) -> &'static str {
    match status {
        OperationStatus::Requested => "requested",
        OperationStatus::Approved => "approved",
        OperationStatus::Executed => "executed",
        OperationStatus::Rejected => "rejected",
        OperationStatus::Expired => "expired",
        OperationStatus::Refused => "refused",
    }
}

/// Why not, for the audit.
fn words(error: &OperationError) -> String {
    match error {
        OperationError::Invalid((field, words)) => format!("{field} {words}"),
        OperationError::OperationNotFound(id) => format!("there is no operation {id}"),
        OperationError::Conflict(id) => format!("{id} is another operation"),
        OperationError::ShopNotFound(id) => format!("there is no shop {id}"),
        OperationError::TransferNotFound(id) => format!("there is no transfer {id}"),
        OperationError::NotReversible(id) => format!("{id} can't be taken back"),
        OperationError::AlreadyDecided((_, status)) => format!("already {}", status_name(*status)),
        OperationError::SamePerson(_) => "same-person".to_owned(),
        OperationError::Unavailable(words) => words.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::frame::tests::of;
    use crate::pages::operations::tests::operation;
    use crate::roles::Role;

    fn entry(name: &str, before: Option<&str>, after: Option<&str>) -> Entry {
        Entry {
            id: "entry_1".to_owned(),
            at: "2026-11-23T16:09:05Z".to_owned(),
            action: format!("operation.{name}"),
            subject: "op_1".to_owned(),
            shop: None,
            actor_id: Some("staff_02".to_owned()),
            actor_name: Some("<i>Boris</i>".to_owned()),
            reason: Some("<b>a good reason</b>".to_owned()),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
            request_id: Some("req_1".to_owned()),
        }
    }

    fn html(status: OperationStatus, own: bool, role: Role) -> String {
        let f = of(role, Language::English);
        let page = OperationPage {
            operation: operation(status),
            shop_name: Some("Lamp & Shade".to_owned()),
            moves: Some((150_000, "RUB".to_owned())),
            reversed: None,
            refusal: (status == OperationStatus::Refused).then(|| refusal("insufficient-funds", f.language)),
            steps: vec![step(entry("requested", None, None), f.language)],
            own,
            open: status == OperationStatus::Requested && f.may(Permission::ChangeMoney),
            f,
            comment: String::new(),
            comment_error: false,
        };
        page.render().unwrap()
    }

    #[test]
    fn a_second_person_is_offered_to_decide_and_who_asked_to_take_it_back() {
        let second = html(OperationStatus::Requested, false, Role::Manager);
        assert!(second.contains("value=\"approve\"") && second.contains("value=\"reject\""), "{second}");
        let own = html(OperationStatus::Requested, true, Role::Manager);
        assert!(!own.contains("value=\"approve\"") && own.contains("value=\"reject\""), "{own}");
        for html in [
            html(OperationStatus::Requested, false, Role::Support),
            html(OperationStatus::Executed, false, Role::Admin),
        ] {
            assert!(!html.contains("/decision"), "{html}");
        }
    }

    #[test]
    fn what_people_wrote_is_escaped_and_a_refusal_is_told_in_words() {
        let html = html(OperationStatus::Refused, false, Role::Support);
        assert!(!html.contains("<b>a good") && !html.contains("<i>Boris"), "{html}");
        assert!(html.contains(&refusal("insufficient-funds", Language::English)));
        assert_ne!(refusal("insufficient-funds", Language::Russian), "insufficient-funds");
        assert_eq!(refusal("of-tomorrow", Language::Russian), "of-tomorrow");
    }

    #[test]
    fn a_step_tells_what_it_changed() {
        let balance = |account: &str, shop: &str, posted| {
            format!(r#"{{"account":"{account}","shop":{shop},"currency":"RUB","posted":{posted},"held":0}}"#)
        };
        let both = |a, b| {
            format!(
                r#"{{"status":"x","balances":[{},{}]}}"#,
                balance("acc_1", "\"shop_1\"", a),
                balance("acc_2", "null", b)
            )
        };
        let step = |before: &str, after: &str| step(entry("executed", Some(before), Some(after)), Language::English);
        let moved = step(&both(500, -500), &both(400, -400));
        let told: Vec<_> =
            moved.changes.iter().map(|change| (change.before.as_deref(), change.after.as_deref())).collect();
        assert_eq!(
            told,
            [
                (Some("5.00\u{a0}RUB"), Some("4.00\u{a0}RUB")),
                (Some("\u{2212}5.00\u{a0}RUB"), Some("\u{2212}4.00\u{a0}RUB"))
            ]
        );
        assert_eq!(moved.what, Language::English.text("operation.step.executed"));
        let frozen = step(r#"{"shop_status":"active"}"#, r#"{"shop_status":"frozen"}"#);
        assert_eq!(frozen.changes[0].after.as_deref(), Some(Language::English.text("shop.frozen")));
        assert!(step("no json", "{}").changes.is_empty());
    }

    #[test]
    fn every_step_and_every_status_has_words() {
        for language in Language::ALL {
            for name in ["requested", "approved", "executed", "rejected", "expired", "refused"] {
                let step = step(entry(name, None, None), language);
                assert_ne!(step.what, step.entry.action, "{language:?}");
            }
        }
    }
}
