//! What the table `transfer` knows of accounts.

use datamp_models::core::AccountId;
use datamp_sdk::{Timestamp, database, params};

use super::Entry;
use super::cursor::Cursor;

/// A page of one account. Each side reads its own index from the cursor on, as many rows as the page has, however long the
/// history is.
const OF_ACCOUNT: &str = "SELECT * FROM (\
     SELECT id, 'outgoing' AS direction, amount, currency, code, reference, debit_balance AS balance_after, created_at \
     FROM transfer WHERE debit_account_id = $1 AND created_at <= $2 AND (created_at < $2 OR id < $3) \
     ORDER BY created_at DESC LIMIT $4) AS outgoing \
     UNION ALL SELECT * FROM (\
     SELECT id, 'incoming' AS direction, amount, currency, code, reference, credit_balance AS balance_after, created_at \
     FROM transfer WHERE credit_account_id = $1 AND created_at <= $2 AND (created_at < $2 OR id < $3) \
     ORDER BY created_at DESC LIMIT $4) AS incoming \
     ORDER BY created_at DESC LIMIT $4";

/// At most `rows` entries of an account that stand after the cursor, newest first.
pub fn of_account(account: &AccountId, after: Option<&Cursor>, rows: i64) -> Result<Vec<Entry>, database::Error> {
    let (time, id) = after.map_or((Timestamp::MAX, ""), |cursor| (cursor.created_at, cursor.id.as_str()));
    database::query(OF_ACCOUNT, params![account.as_str(), time, id, rows])
}
