//! Operations: all of them with filters, those that wait for a second person, and how many these are.

use askama::Template;
use datamp_sdk::{IntoResponse, Query, Text};
use serde::Deserialize;

use super::frame::Frame;
use super::money::needs_core;
use super::paging::{Pager, ROWS, given};
use super::{respond, shops};
use crate::access::{Answer, Nothing, Visit};
use crate::contract::system_operations::{
    Action, Operation, OperationFilter, OperationStatus, list_operations, waiting,
};
use crate::contract::{self, Direction, Page};

/// The statuses that an operation is found in, with their names in addresses.
const STATUSES: [(&str, OperationStatus); 5] = [
    ("requested", OperationStatus::Requested),
    ("executed", OperationStatus::Executed),
    ("rejected", OperationStatus::Rejected),
    ("expired", OperationStatus::Expired),
    ("refused", OperationStatus::Refused),
];

/// The key of a status, and its style.
pub(super) fn status(status: &OperationStatus) -> (&'static str, &'static str) {
    match status {
        OperationStatus::Requested => ("operation.status.requested", "warn"),
        OperationStatus::Approved => ("operation.status.approved", "info"),
        OperationStatus::Executed => ("operation.status.executed", "good"),
        OperationStatus::Rejected => ("operation.status.rejected", "plain"),
        OperationStatus::Expired => ("operation.status.expired", "plain"),
        OperationStatus::Refused => ("operation.status.refused", "bad"),
    }
}

/// The key of what an operation does.
pub(super) fn kind(action: &Action) -> &'static str {
    match action {
        Action::Adjustment(adjustment) => match adjustment.direction {
            Direction::Incoming => "operation.kind.credit",
            Direction::Outgoing => "operation.kind.debit",
        },
        Action::Reversal(_) => "operation.kind.reversal",
        Action::WriteOff(_) => "operation.kind.write-off",
        Action::Freeze(_) => "operation.kind.freeze",
        Action::Unfreeze(_) => "operation.kind.unfreeze",
        Action::Close(_) => "operation.kind.close",
    }
}

/// What an operation moves, in minor units.
pub(super) fn amount(action: &Action) -> Option<i64> {
    match action {
        Action::Adjustment(adjustment) => Some(adjustment.amount),
        Action::Reversal(reversal) => Some(reversal.amount),
        Action::WriteOff(write_off) => Some(write_off.amount),
        Action::Freeze(_) | Action::Unfreeze(_) | Action::Close(_) => None,
    }
}

/// An operation in a list.
struct Row {
    operation: Operation,
    shop_name: Option<String>,
    /// What it moves: how much, in which currency.
    moves: Option<(i64, String)>,
    /// Whoever looks asked for it.
    own: bool,
}

#[derive(Template)]
#[template(path = "pages/operations.html")]
struct Operations {
    f: Frame,
    rows: Vec<Row>,
    pager: Pager,
    /// Only what waits: there is nothing to filter.
    approvals: bool,
    status: String,
    shop: String,
}

#[derive(Deserialize)]
pub(crate) struct Filter {
    status: Option<String>,
    shop: Option<String>,
    after: Option<String>,
}

/// `GET /admin/operations`
pub(crate) fn list(visit: &Visit, Query(filter): Query<Filter>) -> Answer {
    let shop = given(filter.shop.as_deref());
    let status = given(filter.status.as_deref()).and_then(|name| STATUSES.iter().find(|(known, _)| *known == name));
    let asked = OperationFilter { shop: shop.map(str::to_owned), status: status.map(|(_, status)| *status) };
    let after = given(filter.after.as_deref());
    let (rows, next) = rows(visit, &asked, after)?;
    let status = status.map(|(name, _)| *name).unwrap_or_default().to_owned();
    let shop = shop.unwrap_or_default().to_owned();
    let pager = Pager::new("/admin/operations", &[("status", &status), ("shop", &shop)], after, next.as_deref());
    Ok(respond(200, &Operations { f: visit.frame("operations")?, rows, pager, approvals: false, status, shop }))
}

#[derive(Deserialize)]
pub(crate) struct Cursor {
    after: Option<String>,
}

/// `GET /admin/approvals`
pub(crate) fn approvals(visit: &Visit, Query(cursor): Query<Cursor>) -> Answer {
    let after = given(cursor.after.as_deref());
    let asked = OperationFilter { shop: None, status: Some(OperationStatus::Requested) };
    let (rows, next) = rows(visit, &asked, after)?;
    let pager = Pager::new("/admin/approvals", &[], after, next.as_deref());
    let (status, shop) = (String::new(), String::new());
    Ok(respond(200, &Operations { f: visit.frame("approvals")?, rows, pager, approvals: true, status, shop }))
}

/// `GET /admin/parts/approvals`: how many wait for whoever looks, as a number. Nothing while core is down, which other pages tell.
pub(crate) fn count(visit: &Visit, _: Nothing) -> Answer {
    let count = if contract::ready()? { waiting(Some(&visit.member()?.id))? } else { 0 };
    Ok(Text(count.to_string()).into_response())
}

fn rows(
    visit: &Visit,
    filter: &OperationFilter,
    after: Option<&str>,
) -> Result<(Vec<Row>, Option<String>), crate::access::Refusal> {
    needs_core()?;
    let member = &visit.member()?.id;
    let found = list_operations(filter, &Page { limit: ROWS, after: after.map(str::to_owned) })?;
    let names = shops::names(found.operations.iter().map(|one| one.shop.as_str()));
    let row = |operation: Operation| Row {
        shop_name: names.get(&operation.shop).cloned(),
        moves: amount(&operation.action).zip(operation.currency.clone()),
        own: operation.requested_by.id == *member,
        operation,
    };
    Ok((found.operations.into_iter().map(row).collect(), found.next))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::contract::system_operations::{Actor, Adjustment};
    use crate::i18n::Language;
    use crate::pages::frame::tests::of;
    use crate::roles::Role;

    pub(in super::super) fn operation(status: OperationStatus) -> Operation {
        Operation {
            id: "op_01h455vb4pex5vsknk084sn02q".to_owned(),
            action: Action::Adjustment(Adjustment {
                shop: "shop_01h455vb4pex5vsknk084sn02q".to_owned(),
                direction: Direction::Outgoing,
                amount: 150_000,
                currency: "RUB".to_owned(),
            }),
            shop: "shop_01h455vb4pex5vsknk084sn02q".to_owned(),
            currency: Some("RUB".to_owned()),
            reason: "<b>a good reason</b>".to_owned(),
            status,
            requested_by: Actor { id: "staff_02".to_owned(), name: "<i>Boris</i>".to_owned() },
            requested_at: "2026-11-23T16:09:05Z".to_owned(),
            expires_at: Some("2026-11-30T16:09:05Z".to_owned()),
            decided_by: None,
            comment: None,
            resolved_at: None,
            refusal: None,
            transfer: None,
        }
    }

    fn html(approvals: bool, own: bool) -> String {
        let row = Row {
            operation: operation(OperationStatus::Requested),
            shop_name: Some("Lamp & Shade".to_owned()),
            moves: Some((150_000, "RUB".to_owned())),
            own,
        };
        let page = Operations {
            f: of(Role::Manager, Language::English),
            rows: vec![row],
            pager: Pager { first: None, next: None },
            approvals,
            status: "requested".to_owned(),
            shop: "\"><script>".to_owned(),
        };
        page.render().unwrap()
    }

    #[test]
    fn a_list_says_what_and_how_much_and_who_and_escapes_it() {
        let html = html(false, false);
        assert!(html.contains("1,500.00\u{a0}RUB") && html.contains("Lamp &#38; Shade"), "{html}");
        assert!(html.contains("value=\"requested\" selected"), "{html}");
        assert!(!html.contains("<i>Boris") && !html.contains("<b>a good") && !html.contains("\"><script>"), "{html}");
    }

    #[test]
    fn what_one_asked_for_oneself_is_marked() {
        let yours = Language::English.text("operation.yours");
        assert!(html(true, true).contains(yours) && !html(true, false).contains(yours));
        assert!(!html(true, false).contains("<select"), "there is nothing to filter");
    }
}
