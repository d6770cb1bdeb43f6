//! The table `operation`, and what operations ask of other tables.

use std::collections::{HashMap, HashSet};

use datamp_models::Currency;
use datamp_models::admin::StaffId;
use datamp_models::core::{OperationId, OperationStatus, ShopId, TransferId};
use datamp_sdk::database::{self, JsonText, Transaction};
use datamp_sdk::{Timestamp, params};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::execution::Originals;
use super::operation::{Actor, Operation, Original};
use crate::page::NEWEST;
use crate::sql::Statement;

macro_rules! operations {
    ($rest:literal) => {
        concat!(
            "SELECT id, kind, shop_id, direction, amount, currency, reversal_of, reason, status, requested_by, requested_by_name, \
             requested_at, expires_at, decided_by, decided_by_name, comment, resolved_at, refusal, transfer_id FROM operation ",
            $rest
        )
    };
}

const BY_IDS: Statement = Statement {
    sqlite: operations!("WHERE id IN (SELECT value FROM json_each($1))"),
    postgresql: operations!("WHERE id = ANY($1)"),
};

/// In the order of the ids, so that two who decide about the same can't wait for each other in a circle.
const LOCK: Statement = Statement {
    sqlite: operations!("WHERE id IN (SELECT value FROM json_each($1)) ORDER BY id"),
    postgresql: operations!("WHERE id = ANY($1) ORDER BY id FOR UPDATE"),
};

const PAGE: &str = operations!(
    "WHERE id < $3 AND (CAST($1 AS TEXT) IS NULL OR shop_id = $1) AND (CAST($2 AS TEXT) IS NULL OR status = $2) \
     ORDER BY id DESC LIMIT $4"
);

const WAITING: &str = "SELECT COUNT(*) FROM operation WHERE status = 'requested' \
                       AND (CAST($1 AS TEXT) IS NULL OR requested_by <> $1)";

const DUE: &str =
    "SELECT id FROM operation WHERE status = 'requested' AND expires_at <= $1 ORDER BY expires_at LIMIT $2";

/// Those that needed nobody else are those without a time to be approved in.
const ALONE: &str = "SELECT currency, CAST(SUM(amount) AS BIGINT) AS amount FROM operation \
                     WHERE requested_by = $1 AND requested_at > $2 AND expires_at IS NULL AND status = 'executed' \
                     AND currency IS NOT NULL GROUP BY currency";

/// On SQLite a transaction that writes is alone anyway.
const TAKE_TURNS: Statement =
    Statement { sqlite: "SELECT $1 AS turn", postgresql: "SELECT COUNT(*) AS turn FROM pg_advisory_xact_lock($1)" };

const SHOPS: Statement = Statement {
    sqlite: "SELECT id FROM shop WHERE id IN (SELECT value FROM json_each($1))",
    postgresql: "SELECT id FROM shop WHERE id = ANY($1)",
};

macro_rules! originals {
    ($of:literal) => {
        concat!(
            "SELECT t.id, t.kind, t.debit_account_id, t.credit_account_id, d.shop_id AS debit_shop_id, \
             c.shop_id AS credit_shop_id, t.amount, t.currency, t.code, t.reference, t.created_at, t.reversal_of, \
             (SELECT CAST(COALESCE(SUM(r.amount), 0) AS BIGINT) FROM transfer AS r WHERE r.reversal_of = t.id) AS reversed \
             FROM transfer AS t JOIN account AS d ON d.id = t.debit_account_id JOIN account AS c ON c.id = t.credit_account_id \
             WHERE t.id ",
            $of
        )
    };
}

const ORIGINALS: Statement =
    Statement { sqlite: originals!("IN (SELECT value FROM json_each($1))"), postgresql: originals!("= ANY($1)") };

/// An id that another transaction has taken meanwhile is left out, which the count of rows tells.
const INSERT: Statement = Statement {
    sqlite: "INSERT INTO operation (id, kind, shop_id, direction, amount, currency, reversal_of, reason, status, requested_by, \
             requested_by_name, requested_at, expires_at, resolved_at, refusal, transfer_id) \
             SELECT value ->> 'id', value ->> 'kind', value ->> 'shop_id', value ->> 'direction', value ->> 'amount', \
             value ->> 'currency', value ->> 'reversal_of', value ->> 'reason', value ->> 'status', value ->> 'requested_by', \
             value ->> 'requested_by_name', value ->> 'requested_at', value ->> 'expires_at', value ->> 'resolved_at', \
             value ->> 'refusal', value ->> 'transfer_id' FROM json_each($1) WHERE true ON CONFLICT (id) DO NOTHING",
    postgresql: "INSERT INTO operation (id, kind, shop_id, direction, amount, currency, reversal_of, reason, status, requested_by, \
                 requested_by_name, requested_at, expires_at, resolved_at, refusal, transfer_id) \
                 SELECT id, kind, shop_id, direction, amount, currency, reversal_of, reason, status, requested_by, \
                 requested_by_name, requested_at, expires_at, resolved_at, refusal, transfer_id \
                 FROM json_to_recordset(CAST(CAST($1 AS TEXT) AS JSON)) AS r (id TEXT, kind TEXT, shop_id TEXT, direction TEXT, \
                 amount BIGINT, currency TEXT, reversal_of TEXT, reason TEXT, status TEXT, requested_by TEXT, \
                 requested_by_name TEXT, requested_at BIGINT, expires_at BIGINT, resolved_at BIGINT, refusal TEXT, \
                 transfer_id TEXT) ON CONFLICT (id) DO NOTHING",
};

/// What was decided stays as it is.
const UPDATE: Statement = Statement {
    sqlite: "UPDATE operation SET status = r.value ->> 'status', decided_by = r.value ->> 'decided_by', \
             decided_by_name = r.value ->> 'decided_by_name', comment = r.value ->> 'comment', \
             resolved_at = r.value ->> 'resolved_at', refusal = r.value ->> 'refusal', \
             transfer_id = r.value ->> 'transfer_id' FROM json_each($1) AS r \
             WHERE operation.id = r.value ->> 'id' AND operation.status = 'requested'",
    postgresql: "UPDATE operation SET status = r.status, decided_by = r.decided_by, decided_by_name = r.decided_by_name, \
                 comment = r.comment, resolved_at = r.resolved_at, refusal = r.refusal, transfer_id = r.transfer_id \
                 FROM json_to_recordset(CAST(CAST($1 AS TEXT) AS JSON)) AS r (id TEXT, status TEXT, decided_by TEXT, \
                 decided_by_name TEXT, comment TEXT, resolved_at BIGINT, refusal TEXT, transfer_id TEXT) \
                 WHERE operation.id = r.id AND operation.status = 'requested'",
};

/// Reads operations and keeps others from deciding about them until the transaction ends. One that is not there is left out.
pub fn lock(tx: &Transaction, ids: &[&OperationId]) -> Result<HashMap<OperationId, Operation>, database::Error> {
    let texts: Vec<&str> = ids.iter().map(|id| id.as_str()).collect();
    let rows: Vec<Operation> = tx.query(LOCK.text(), params![texts])?;
    Ok(rows.into_iter().map(|operation| (operation.id.clone(), operation)).collect())
}

/// Operations in the order that they were asked in; `None` for one that is not there.
pub fn get(ids: &[OperationId]) -> Result<Vec<Option<Operation>>, database::Error> {
    let texts: Vec<&str> = ids.iter().map(OperationId::as_str).collect();
    let rows: Vec<Operation> = database::query(BY_IDS.text(), params![texts])?;
    let there: HashMap<_, _> = rows.into_iter().map(|operation| (operation.id.clone(), operation)).collect();
    Ok(ids.iter().map(|id| there.get(id).cloned()).collect())
}

/// At most `rows` operations before `after`, the newest first; of one shop or all, in one status or all.
pub fn page(
    shop: Option<&ShopId>,
    status: Option<OperationStatus>,
    after: Option<&OperationId>,
    rows: i64,
) -> Result<Vec<Operation>, database::Error> {
    let (shop, status) = (shop.map(ShopId::as_str), status.map(OperationStatus::as_str));
    database::query(PAGE, params![shop, status, after.map_or(NEWEST, OperationId::as_str), rows])
}

/// How many wait for a second person: of all, or of those that somebody did not ask for.
pub fn waiting(other_than: Option<&StaffId>) -> Result<i64, database::Error> {
    database::query_one(WAITING, params![other_than.map(StaffId::as_str)])
}

/// At most `rows` operations that wait though their time was over at `now`, those first that have waited longest.
pub fn due(now: Timestamp, rows: i64) -> Result<Vec<OperationId>, database::Error> {
    database::query(DUE, params![now, rows])
}

/// Waits until nobody else asks for operations in the name of this person.
pub(super) fn take_turns(tx: &Transaction, by: &Actor) -> Result<(), database::Error> {
    let digest = Sha256::digest(format!("operations of {}", by.id));
    let lock = digest.iter().take(8).fold(0_i64, |lock, byte| (lock << 8) | i64::from(*byte));
    tx.query_one::<i64>(TAKE_TURNS.text(), params![lock]).map(|_| ())
}

#[derive(Deserialize)]
struct AloneRow {
    currency: Currency,
    amount: i64,
}

/// What somebody moved without a second person since a time, in minor units, by currency.
pub(super) fn alone(tx: &Transaction, by: &Actor, since: Timestamp) -> Result<HashMap<Currency, i64>, database::Error> {
    let rows: Vec<AloneRow> = tx.query(ALONE, params![by.id.as_str(), since])?;
    Ok(rows.into_iter().map(|row| (row.currency, row.amount)).collect())
}

/// Those of the shops that are there.
pub(super) fn shops(tx: &Transaction, ids: &[&ShopId]) -> Result<HashSet<ShopId>, database::Error> {
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let texts: Vec<&str> = ids.iter().map(|id| id.as_str()).collect();
    Ok(tx.query(SHOPS.text(), params![texts])?.into_iter().collect())
}

/// Transfers that are to be taken back; one that is not there is left out.
pub(super) fn originals(tx: &Transaction, ids: &[&TransferId]) -> Result<Originals, database::Error> {
    if ids.is_empty() {
        return Ok(Originals::new());
    }
    let texts: Vec<&str> = ids.iter().map(|id| id.as_str()).collect();
    Ok(by_id(tx.query(ORIGINALS.text(), params![texts])?))
}

/// The same for who only looks, in the order that they were asked in.
pub fn reversible(ids: &[TransferId]) -> Result<Vec<Option<Original>>, database::Error> {
    let texts: Vec<&str> = ids.iter().map(TransferId::as_str).collect();
    let there = by_id(database::query(ORIGINALS.text(), params![texts])?);
    Ok(ids.iter().map(|id| there.get(id).cloned()).collect())
}

fn by_id(rows: Vec<Original>) -> Originals {
    rows.into_iter().map(|original| (original.id.clone(), original)).collect()
}

/// Writes new operations. Where another transaction has taken an id meanwhile, the transaction is tried again, and sees it.
pub(super) fn insert(tx: &Transaction, operations: &[Operation]) -> Result<(), database::Error> {
    if operations.is_empty() {
        return Ok(());
    }
    let inserted = tx.execute(INSERT.text(), params![JsonText(operations)])?;
    if usize::try_from(inserted) == Ok(operations.len()) { Ok(()) } else { Err(tx.conflict()) }
}

/// Writes what became of operations that waited.
pub(super) fn update(tx: &Transaction, operations: &[&Operation]) -> Result<(), database::Error> {
    if operations.is_empty() {
        return Ok(());
    }
    let updated = tx.execute(UPDATE.text(), params![JsonText(operations)])?;
    if usize::try_from(updated) == Ok(operations.len()) { Ok(()) } else { Err(tx.conflict()) }
}
