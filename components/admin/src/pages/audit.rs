//! What the staff did.

use askama::Template;
use datamp_models::admin::AuditOutcome;
use datamp_sdk::Query;
use serde::Deserialize;

use super::frame::Frame;
use super::paging::{Pager, ROWS, given};
use super::respond;
use crate::access::{Answer, Visit};
use crate::audit::{self, Change, Record};
use crate::i18n::Language;

/// A record in words.
struct Row {
    record: Record,
    action: String,
    changes: Vec<Change>,
    /// The key of the outcome, and its style; what is done needs no word.
    outcome: Option<(&'static str, &'static str)>,
    /// Where its subject is shown.
    subject_href: Option<String>,
}

impl Row {
    fn new(record: Record, language: Language) -> Self {
        let known = language.lookup(&format!("audit.action.{}", record.action));
        let none = audit::Values::new();
        let before = record.before_values.as_ref().map_or(&none, |json| &json.0);
        let after = record.after_values.as_ref().map_or(&none, |json| &json.0);
        let changes = audit::changes(before, after).into_iter().map(|change| in_words(change, language)).collect();
        let subject_href = match (&record.subject, record.action.split_once('.')) {
            (Some(name), Some(("generation" | "command", _))) => Some(format!("/admin/components/{name}")),
            (Some(id), Some(("operation", _))) => Some(format!("/admin/operations/{id}")),
            _ => None,
        };
        Self {
            action: known.map_or_else(|| record.action.clone(), str::to_owned),
            outcome: match record.outcome {
                AuditOutcome::Done => None,
                AuditOutcome::Started => Some(("audit.unfinished", "warn")),
                AuditOutcome::Refused => Some(("audit.refused", "bad")),
            },
            changes,
            subject_href,
            record,
        }
    }

    fn subject(&self) -> Option<&str> {
        self.record.subject_login.as_deref().or(self.record.subject.as_deref())
    }
}

/// Names and roles in the reader's language.
fn in_words(change: Change, language: Language) -> Change {
    let value = |value: Option<String>| match (change.name.as_str(), value) {
        ("role", Some(role)) => {
            Some(role.parse().map_or(role, |role| language.text(super::staff::role_key(role)).to_owned()))
        }
        (_, value) => value,
    };
    let label = language.lookup(&format!("audit.field.{}", change.name));
    Change {
        before: value(change.before.clone()),
        after: value(change.after.clone()),
        name: label.map_or_else(|| change.name.clone(), str::to_owned),
    }
}

#[derive(Template)]
#[template(path = "pages/audit.html")]
struct Audit {
    f: Frame,
    rows: Vec<Row>,
    pager: Pager,
    filtered: bool,
}

#[derive(Deserialize)]
pub(crate) struct Filter {
    staff: Option<String>,
    after: Option<String>,
}

/// `GET /admin/audit`
pub(crate) fn list(visit: &Visit, Query(filter): Query<Filter>) -> Answer {
    let staff = given(filter.staff.as_deref());
    let after = given(filter.after.as_deref());
    // One more than is shown tells whether there is a next page.
    let mut records = audit::page(staff, after, ROWS + 1)?;
    let shown = usize::try_from(ROWS).unwrap_or(usize::MAX);
    let more = records.len() > shown;
    records.truncate(shown);
    let next = records.last().filter(|_| more).map(|record| record.id.clone());
    let pager = Pager::new("/admin/audit", &[("staff", staff.unwrap_or_default())], after, next.as_deref());
    let rows = records.into_iter().map(|record| Row::new(record, visit.language())).collect();
    Ok(respond(200, &Audit { f: visit.frame("audit")?, rows, pager, filtered: staff.is_some() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Action, values};
    use crate::pages::frame::tests::of;
    use crate::roles::Role;
    use datamp_sdk::Timestamp;
    use datamp_sdk::database::JsonText;

    fn record(action: &str) -> Record {
        Record {
            id: "audit_1".to_owned(),
            at: Timestamp::from_seconds(1_795_450_145),
            login: Some("anna".to_owned()),
            action: action.to_owned(),
            subject: Some("core".to_owned()),
            outcome: AuditOutcome::Done,
            reason: Some("<errors> after 0.2".to_owned()),
            before_values: Some(JsonText(values([("generation", "5"), ("role", "manager")]))),
            after_values: Some(JsonText(values([("generation", "4"), ("role", "admin")]))),
            client_address: "127.0.0.1".to_owned(),
            request_id: "req_1".to_owned(),
            subject_login: None,
        }
    }

    #[test]
    fn every_action_has_words_in_both_languages() {
        use Action::*;
        let all = [
            SessionOpen,
            SessionRefuse,
            SessionClose,
            SessionCloseAll,
            StaffFirst,
            StaffAdd,
            StaffRole,
            StaffDisable,
            StaffEnable,
            StaffReissue,
            StaffPassword,
            GenerationActivate,
            GenerationRollback,
            CommandRun,
            WorkReplay,
            OperationRequest,
            OperationApprove,
            OperationReject,
        ];
        for (action, language) in all.into_iter().flat_map(|action| Language::ALL.map(|language| (action, language))) {
            let row = Row::new(record(action.as_str()), language);
            assert_ne!(row.action, action.as_str(), "{language:?}");
        }
    }

    #[test]
    fn a_record_shows_before_and_after_in_words() {
        let row = Row::new(record("generation.rollback"), Language::Russian);
        let role =
            row.changes.iter().find(|change| change.after.as_deref() == Some(Language::Russian.text("role.admin")));
        assert_eq!(role.unwrap().before.as_deref(), Some(Language::Russian.text("role.manager")));
        assert_eq!(row.subject_href.as_deref(), Some("/admin/components/core"));
    }

    #[test]
    fn a_reason_is_escaped() {
        let rows = vec![Row::new(record("generation.rollback"), Language::English)];
        let page = Audit {
            f: of(Role::Admin, Language::English),
            rows,
            pager: Pager { first: None, next: None },
            filtered: false,
        };
        let html = page.render().unwrap();
        assert!(html.contains("&#60;errors&#62;") && !html.contains("<errors>"), "{html}");
    }
}
