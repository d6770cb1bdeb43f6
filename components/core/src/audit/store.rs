//! The table `audit`.

use datamp_models::core::{AuditEntryId, ShopId};
use datamp_sdk::database::{self, JsonText, Transaction};
use datamp_sdk::{Timestamp, params};
use serde::Serialize;

use super::{Entry, Snapshot, Written};
use crate::id;
use crate::page::NEWEST;
use crate::sql::Statement;

const INSERT: Statement = Statement {
    sqlite: "INSERT INTO audit (id, at, action, subject, shop_id, actor_id, actor_name, reason, before_values, after_values, \
             request_id) SELECT value ->> 'id', $2, value ->> 'action', value ->> 'subject', value ->> 'shop_id', \
             value ->> 'actor_id', value ->> 'actor_name', value ->> 'reason', value ->> 'before_values', \
             value ->> 'after_values', value ->> 'request_id' FROM json_each($1)",
    postgresql: "INSERT INTO audit (id, at, action, subject, shop_id, actor_id, actor_name, reason, before_values, \
                 after_values, request_id) SELECT id, $2, action, subject, shop_id, actor_id, actor_name, reason, \
                 before_values, after_values, request_id FROM json_to_recordset(CAST(CAST($1 AS TEXT) AS JSON)) \
                 AS r (id TEXT, action TEXT, subject TEXT, shop_id TEXT, actor_id TEXT, actor_name TEXT, reason TEXT, \
                 before_values TEXT, after_values TEXT, request_id TEXT)",
};

const PAGE: &str = "SELECT id, at, action, subject, shop_id, actor_id, actor_name, reason, before_values, after_values, \
                    request_id FROM audit WHERE id < $3 AND (CAST($1 AS TEXT) IS NULL OR subject = $1) \
                    AND (CAST($2 AS TEXT) IS NULL OR shop_id = $2) ORDER BY id DESC LIMIT $4";

#[derive(Serialize)]
struct Row<'a> {
    id: AuditEntryId,
    action: &'static str,
    subject: &'a str,
    shop_id: Option<&'a ShopId>,
    actor_id: Option<&'a str>,
    actor_name: Option<&'a str>,
    reason: Option<&'a str>,
    before_values: Option<String>,
    after_values: Option<String>,
    request_id: Option<&'a str>,
}

/// Writes steps down, in their order. One statement.
pub fn append(tx: &Transaction, entries: &[Entry<'_>], now: Timestamp) -> Result<(), database::Error> {
    if entries.is_empty() {
        return Ok(());
    }
    // Ids that are made within a microsecond are in no order until they are put into one.
    let mut ids: Vec<AuditEntryId> = entries.iter().map(|_| id::fresh()).collect();
    ids.sort_unstable();
    let rows: Vec<_> = entries.iter().zip(ids).map(|(entry, id)| row(entry, id)).collect();
    tx.execute(INSERT.text(), params![JsonText(&rows), now])?;
    Ok(())
}

fn row<'a>(entry: &'a Entry<'_>, id: AuditEntryId) -> Row<'a> {
    let json = |snapshot: &Snapshot| {
        let touched = *snapshot != Snapshot::default();
        touched.then(|| serde_json::json!(snapshot).to_string())
    };
    Row {
        id,
        action: entry.step.as_str(),
        subject: &entry.subject,
        shop_id: entry.shop.as_ref(),
        actor_id: entry.actor.map(|(id, _)| id.as_str()),
        actor_name: entry.actor.map(|(_, name)| name),
        reason: entry.reason.as_deref(),
        before_values: json(&entry.before),
        after_values: json(&entry.after),
        request_id: entry.request_id,
    }
}

/// At most `rows` steps before `after`, the newest first; of one subject, of one shop, or of all.
pub fn page(
    subject: Option<&str>,
    shop: Option<&ShopId>,
    after: Option<&AuditEntryId>,
    rows: i64,
) -> Result<Vec<Written>, database::Error> {
    let after = after.map_or(NEWEST, AuditEntryId::as_str);
    database::query(PAGE, params![subject, shop.map(ShopId::as_str), after, rows])
}
