//! What an audit reads: accounts and their transfers, a page at a time, and the sums over all of them.

use datamp_sdk::{database, params};

use super::audit::Source;
use super::{AccountRow, Sums, TransferRow, Walk};

/// The most rows of a page.
pub const MAX_PAGE: u32 = 1000;

/// The latest transfer of each side is the last entry of an index; EXISTS would make PostgreSQL read the whole table.
macro_rules! accounts {
    ($which:literal) => {
        concat!(
            "SELECT a.id, a.kind, a.currency, a.debits_posted, a.credits_posted, a.debits_pending, \
             a.credits_pending, a.chain_head, a.created_at, a.posted_at, \
             COALESCE((SELECT MAX(t.created_at) FROM transfer AS t WHERE t.debit_account_id = a.id), a.posted_at) > a.posted_at \
             OR COALESCE((SELECT MAX(t.created_at) FROM transfer AS t WHERE t.credit_account_id = a.id), a.posted_at) > a.posted_at \
             AS has_later FROM account AS a WHERE ",
            $which
        )
    };
}

const ACCOUNTS: &str = accounts!("a.id > $1 ORDER BY a.id LIMIT $2");

const ACCOUNT: &str = accounts!("a.id = $1");

const COUNT: &str = "SELECT COUNT(*) FROM account";

/// Each side reads its own index from the time on, as many rows as the page has.
const TRANSFERS: &str = "SELECT t.id, t.kind, t.debit_account_id, t.credit_account_id, t.amount, t.currency, t.code, \
     t.reference, t.pending_id, t.reversal_of, t.expires_at, t.debit_balance, t.debit_debits_pending, \
     t.debit_credits_pending, t.debit_hash, t.credit_balance, t.credit_debits_pending, t.credit_credits_pending, \
     t.credit_hash, t.created_at, h.kind AS hold_kind, h.amount AS hold_amount, \
     h.debit_account_id AS hold_debit_account_id, h.credit_account_id AS hold_credit_account_id, \
     h.created_at AS hold_created_at, r.id IS NOT NULL AS is_resolved, o.id IS NOT NULL AS is_listed, \
     o.expires_at AS listed_until \
     FROM (SELECT * FROM (SELECT * FROM transfer WHERE debit_account_id = $1 AND created_at > $2 AND created_at <= $3 \
     ORDER BY created_at LIMIT $4) AS outgoing \
     UNION ALL SELECT * FROM (SELECT * FROM transfer WHERE credit_account_id = $1 AND created_at > $2 \
     AND created_at <= $3 ORDER BY created_at LIMIT $4) AS incoming) AS t \
     LEFT JOIN transfer AS h ON h.id = t.pending_id LEFT JOIN transfer AS r ON r.pending_id = t.id \
     LEFT JOIN open_hold AS o ON o.id = t.id ORDER BY t.created_at LIMIT $4";

const SUMS: &str = "SELECT currency, CAST(SUM(credits_posted - debits_posted) AS BIGINT) AS posted, \
                    CAST(SUM(credits_pending - debits_pending) AS BIGINT) AS pending \
                    FROM account GROUP BY currency ORDER BY currency";

const LISTED_WITHOUT_TRANSFER: &str = "SELECT o.id FROM open_hold AS o LEFT JOIN transfer AS t ON t.id = o.id \
                                       WHERE t.id IS NULL ORDER BY o.id LIMIT 100";

/// The tables, for an audit.
#[derive(Clone, Copy, Debug)]
pub struct Tables;

impl Source for Tables {
    type Error = database::Error;

    fn accounts(&self, after: &str, limit: u32) -> Result<Vec<AccountRow>, database::Error> {
        accounts(after, limit)
    }

    fn account(&self, id: &str) -> Result<Option<AccountRow>, database::Error> {
        account(id)
    }

    fn transfers(&self, account: &AccountRow, walk: &Walk, limit: u32) -> Result<Vec<TransferRow>, database::Error> {
        transfers(account, walk, limit)
    }

    fn sums(&self) -> Result<Vec<Sums>, database::Error> {
        sums()
    }

    fn listed_without_transfer(&self) -> Result<Vec<String>, database::Error> {
        database::query(LISTED_WITHOUT_TRANSFER, params![])
    }
}

/// One account.
pub fn account(id: &str) -> Result<Option<AccountRow>, database::Error> {
    database::query_optional(ACCOUNT, params![id])
}

/// How many accounts there are.
pub fn count() -> Result<u64, database::Error> {
    database::query_one(COUNT, params![])
}

/// At most `limit` accounts (and at most [`MAX_PAGE`]) whose ids come after `after`, in order of id.
pub fn accounts(after: &str, limit: u32) -> Result<Vec<AccountRow>, database::Error> {
    database::query(ACCOUNTS, params![after, limit.min(MAX_PAGE)])
}

/// The next transfers of a walk over an account, at most `limit` of them (and at most [`MAX_PAGE`]), oldest first; none when
/// the walk is at the time of the account's row.
pub fn transfers(account: &AccountRow, walk: &Walk, limit: u32) -> Result<Vec<TransferRow>, database::Error> {
    let after = walk.at().unwrap_or(i64::MIN);
    database::query(TRANSFERS, params![account.id, after, account.posted_at, limit.min(MAX_PAGE)])
}

/// The sums over all accounts by currency, of one moment.
pub fn sums() -> Result<Vec<Sums>, database::Error> {
    database::query(SUMS, params![])
}
