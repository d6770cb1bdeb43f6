//! What the staff did, with the values before and after. Written in the transaction of the change, never changed after:
//! this component has no right to.
//!
//! An effect outside the database (another generation made active) can't share its transaction. There, a `started` record
//! comes first, so that nothing happens unrecorded, and a second one that follows it tells how it went.

mod begun;

pub(crate) use self::begun::Begun;

use std::collections::BTreeMap;

use datamp_models::admin::AuditOutcome;
use datamp_sdk::database::{self, Error, JsonText, Transaction};
use datamp_sdk::{Timestamp, id, params};
use serde::Deserialize;

use crate::sessions::Member;

/// Names and values of what an action changes. Never a password, never a token.
pub(crate) type Values = BTreeMap<String, String>;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
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
}

impl Action {
    /// Its name in the database; its text is under `audit.action.`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::SessionOpen => "session.open",
            Self::SessionRefuse => "session.refuse",
            Self::SessionClose => "session.close",
            Self::SessionCloseAll => "session.close-all",
            Self::StaffFirst => "staff.first",
            Self::StaffAdd => "staff.add",
            Self::StaffRole => "staff.role",
            Self::StaffDisable => "staff.disable",
            Self::StaffEnable => "staff.enable",
            Self::StaffReissue => "staff.reissue",
            Self::StaffPassword => "staff.password",
            Self::GenerationActivate => "generation.activate",
            Self::GenerationRollback => "generation.rollback",
            Self::CommandRun => "command.run",
            Self::WorkReplay => "work.replay",
            Self::OperationRequest => "operation.request",
            Self::OperationApprove => "operation.approve",
            Self::OperationReject => "operation.reject",
        }
    }
}

/// From where something was done.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) client_address: String,
    pub(crate) request_id: String,
}

/// One record.
#[derive(Clone, Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) action: Action,
    pub(crate) outcome: AuditOutcome,
    /// The id and the login of who did it.
    pub(crate) by: Option<(&'a str, &'a str)>,
    pub(crate) subject: Option<&'a str>,
    pub(crate) follows: Option<&'a str>,
    pub(crate) reason: Option<&'a str>,
    pub(crate) before: Values,
    pub(crate) after: Values,
}

impl<'a> Entry<'a> {
    /// Something that was done, to nothing in particular.
    pub(crate) fn done(action: Action, by: Option<(&'a str, &'a str)>) -> Self {
        Self {
            action,
            outcome: AuditOutcome::Done,
            by,
            subject: None,
            follows: None,
            reason: None,
            before: Values::new(),
            after: Values::new(),
        }
    }

    /// Something that was done by a member of staff.
    pub(crate) fn by(member: &'a Member, action: Action) -> Self {
        Self::done(action, Some((&member.id, &member.login)))
    }
}

/// One value of a record.
pub(crate) fn values<const N: usize>(pairs: [(&str, &str); N]) -> Values {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Writes a record; answers its id.
pub(crate) fn record(tx: &Transaction, entry: &Entry<'_>, origin: &Origin, now: Timestamp) -> Result<String, Error> {
    let id = id::new("audit");
    let (staff, login) = match entry.by {
        Some((staff, login)) => (Some(staff), Some(login)),
        None => (None, None),
    };
    let json = |values: &Values| (!values.is_empty()).then(|| serde_json::json!(values).to_string());
    tx.execute(
        "INSERT INTO staff_audit (id, at, staff_id, login, action, subject, outcome, follows, reason, before_values, after_values,
                                  client_address, request_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        params![
            id,
            now,
            staff,
            login,
            entry.action.as_str(),
            entry.subject,
            entry.outcome.as_str(),
            entry.follows,
            entry.reason,
            json(&entry.before),
            json(&entry.after),
            origin.client_address,
            origin.request_id
        ],
    )?;
    Ok(id)
}

/// Writes a record by itself.
pub(crate) fn write(entry: &Entry<'_>, origin: &Origin, now: Timestamp) -> Result<String, Error> {
    database::transaction(|tx| record(tx, entry, origin, now))
}

/// A record as it is shown.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Record {
    pub(crate) id: String,
    pub(crate) at: Timestamp,
    pub(crate) login: Option<String>,
    pub(crate) action: String,
    pub(crate) subject: Option<String>,
    pub(crate) outcome: AuditOutcome,
    pub(crate) reason: Option<String>,
    pub(crate) before_values: Option<JsonText<Values>>,
    pub(crate) after_values: Option<JsonText<Values>>,
    pub(crate) client_address: String,
    pub(crate) request_id: String,
    /// The login of the member of staff that it was done to.
    pub(crate) subject_login: Option<String>,
}

/// The newest records before `after`, of one member of staff or of all. A `started` record is left out once another follows
/// it: what is left of them are those whose end nobody knows.
pub(crate) fn page(staff: Option<&str>, after: Option<&str>, limit: u32) -> Result<Vec<Record>, Error> {
    database::query(
        "SELECT audit.id, audit.at, audit.login, audit.action, audit.subject, audit.outcome, audit.reason, audit.before_values,
                audit.after_values, audit.client_address, audit.request_id, subject.login AS subject_login
         FROM staff_audit AS audit
         LEFT JOIN staff_audit AS later ON later.follows = audit.id
         LEFT JOIN staff AS subject ON subject.id = audit.subject
         WHERE later.id IS NULL
           AND (CAST($1 AS TEXT) IS NULL OR audit.staff_id = $1)
           AND (CAST($2 AS TEXT) IS NULL OR audit.id < $2)
         ORDER BY audit.id DESC LIMIT $3",
        params![staff, after, limit],
    )
}

/// One line of what changed: the name, the value before, the value after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) name: String,
    pub(crate) before: Option<String>,
    pub(crate) after: Option<String>,
}

/// Before and after side by side.
pub(crate) fn changes(before: &Values, after: &Values) -> Vec<Change> {
    let names: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    names
        .into_iter()
        .map(|name| Change { name: name.clone(), before: before.get(name).cloned(), after: after.get(name).cloned() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_stand_side_by_side() {
        let before = values([("generation", "5"), ("version", "0.2.0")]);
        let after = values([("generation", "4"), ("note", "x")]);
        let of = |name: &str, before: Option<&str>, after: Option<&str>| Change {
            name: name.to_owned(),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        };
        assert_eq!(
            changes(&before, &after),
            [of("generation", Some("5"), Some("4")), of("note", None, Some("x")), of("version", Some("0.2.0"), None)]
        );
    }
}
