//! What the table `transfer` knows of accounts.

use datamp_models::core::{AccountId, TransferCode};
use datamp_sdk::{database, params};
use serde::Deserialize;

use super::Entry;
use super::cursor::Cursor;
use crate::page::Window;
use crate::sql::Statement;

/// One side of an account: what moved its money, and no holds. It reads its own index from where the page begins, as many rows as the
/// page has, however long the history is. The conditions of the indexes are spelled as they are there, or SQLite does not use
/// them. A parameter is taken by `(SELECT $1)`, where PostgreSQL's planner can't look at its value: of a long history it would make a new
/// plan each time, in the belief that knowing the value makes it a better one, and that takes several times as long as the reading.
macro_rules! side {
    (outgoing $and:literal) => {
        concat!(
            "SELECT * FROM (SELECT id, 'outgoing' AS direction, amount, currency, code, reference, \
             debit_balance AS balance_after, created_at FROM transfer WHERE debit_account_id = (SELECT $1) \
             AND kind IN ('posted', 'capture') AND created_at >= (SELECT $2) AND created_at <= (SELECT $3) AND (created_at < (SELECT $3) OR id < (SELECT $4))",
            $and,
            " ORDER BY created_at DESC LIMIT (SELECT $5)) AS outgoing"
        )
    };
    (incoming $and:literal) => {
        concat!(
            "SELECT * FROM (SELECT id, 'incoming' AS direction, amount, currency, code, reference, \
             credit_balance AS balance_after, created_at FROM transfer WHERE credit_account_id = (SELECT $1) \
             AND kind IN ('posted', 'capture') AND created_at >= (SELECT $2) AND created_at <= (SELECT $3) AND (created_at < (SELECT $3) OR id < (SELECT $4))",
            $and,
            " ORDER BY created_at DESC LIMIT (SELECT $5)) AS incoming"
        )
    };
}

const OF_ACCOUNT: &str =
    concat!(side!(outgoing ""), " UNION ALL ", side!(incoming ""), " ORDER BY created_at DESC LIMIT (SELECT $5)");

/// No shop is credited by a payment, so the other side would be searched in vain.
const PAYMENTS: &str = side!(outgoing " AND code = 'payment'");

const OF_CODE: &str = concat!(
    side!(outgoing " AND code <> 'payment' AND code = (SELECT $6)"),
    " UNION ALL ",
    side!(incoming " AND code <> 'payment' AND code = (SELECT $6)"),
    " ORDER BY created_at DESC LIMIT (SELECT $5)"
);

/// What people wrote about what caused transfers.
const TEXTS: Statement = Statement {
    sqlite: "SELECT id, description, reference FROM payment WHERE id IN (SELECT value FROM json_each($1)) \
             UNION ALL SELECT id, reason AS description, NULL AS reference FROM refund \
             WHERE id IN (SELECT value FROM json_each($1))",
    postgresql: "SELECT id, description, reference FROM payment WHERE id = ANY($1) \
                 UNION ALL SELECT id, reason AS description, CAST(NULL AS TEXT) AS reference FROM refund WHERE id = ANY($1)",
};

/// At most `rows` entries of an account that stand after the cursor, newest first.
pub fn of_account(account: &AccountId, after: Option<&Cursor>, rows: i64) -> Result<Vec<Entry>, database::Error> {
    let after = after.map(|cursor| (cursor.created_at, cursor.id.as_str()));
    within(account, &Window::new(None, None, after), None, rows)
}

/// At most `rows` entries of an account in a window, of a code or of all, newest first.
pub fn within(
    account: &AccountId,
    window: &Window,
    code: Option<TransferCode>,
    rows: i64,
) -> Result<Vec<Entry>, database::Error> {
    let Window { from, until, below } = window;
    let of_all = params![account.as_str(), *from, *until, below.as_str(), rows];
    match code {
        None => database::query(OF_ACCOUNT, of_all),
        Some(TransferCode::Payment) => database::query(PAYMENTS, of_all),
        Some(code) => {
            database::query(OF_CODE, params![account.as_str(), *from, *until, below.as_str(), rows, code.as_str()])
        }
    }
}

/// What people wrote about a payment or a refund.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Texts {
    /// The payment's or refund's id.
    pub id: String,
    /// What the payment is for; why the refund was made.
    pub description: String,
    /// The shop's own name for the payment.
    pub reference: Option<String>,
}

/// What people wrote about those of the references that are payments or refunds; at most [`crate::ledger::store::MAX_BATCH`] of them.
pub fn texts(references: &[&str]) -> Result<Vec<Texts>, database::Error> {
    database::query(TEXTS.text(), params![references])
}
