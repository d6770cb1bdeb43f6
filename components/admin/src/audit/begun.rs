//! What has its effect outside the database: recorded before, as `started`, and after.

use datamp_models::admin::AuditOutcome;
use datamp_sdk::database::{self, Error, JsonText};
use datamp_sdk::{log, params};
use serde::Deserialize;

use super::{Entry, Values, write};
use crate::access::Visit;

/// Something that has begun, and whose end is to be recorded.
pub(crate) struct Begun<'a> {
    visit: &'a Visit,
    entry: Entry<'a>,
    /// The record of its start.
    id: String,
}

impl<'a> Begun<'a> {
    /// Records that it begins: `entry` says what, with the values that it is about.
    pub(crate) fn new(visit: &'a Visit, entry: Entry<'a>) -> Result<Self, Error> {
        let entry = Entry { outcome: AuditOutcome::Started, ..entry };
        let id = write(&entry, &visit.origin(), visit.now())?;
        Ok(Self { visit, entry, id })
    }

    /// What an earlier request began, by the record of its start: none where that is of somebody or something else, or has an end.
    pub(crate) fn before(visit: &'a Visit, entry: Entry<'a>, id: &str) -> Result<Option<Self>, Error> {
        #[derive(Deserialize)]
        struct Started {
            after_values: Option<JsonText<Values>>,
        }
        let started: Option<Started> = database::query_optional(
            "SELECT audit.after_values FROM staff_audit AS audit
             LEFT JOIN staff_audit AS later ON later.follows = audit.id
             WHERE later.id IS NULL AND audit.id = $1 AND audit.outcome = $2 AND audit.action = $3 AND audit.staff_id = $4
               AND audit.subject = $5",
            params![
                id,
                AuditOutcome::Started.as_str(),
                entry.action.as_str(),
                entry.by.map(|(staff, _)| staff),
                entry.subject
            ],
        )?;
        let values = started.map(|started| started.after_values.map(|json| json.0).unwrap_or_default());
        let is_this = values.as_ref() == Some(&entry.after);
        Ok(is_this.then(|| Self { visit, entry, id: id.to_owned() }))
    }

    /// The id of the record of its start.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Records how it went, and what that adds to the values. The effect stands whether or not this is written; the record of the start
    /// stays alone in that case.
    pub(crate) fn end(&self, outcome: AuditOutcome, more: Values) {
        let mut entry = Entry { outcome, follows: Some(&self.id), ..self.entry.clone() };
        entry.after.extend(more);
        if let Err(error) = write(&entry, &self.visit.origin(), self.visit.now()) {
            log::error!("an end is not in the audit: {}", error; audit = self.id);
        }
    }
}
