//! The ledger's tables: at most six statements a batch, whatever its size, and one to open accounts. A batch of plain
//! postings whose ids the ledger chooses takes three.

use datamp_models::Currency;
use datamp_models::core::{AccountId, AccountStatus, Owner, TransferId, TransferKind};
use datamp_sdk::database::{self, JsonText, Transaction, Value};
use datamp_sdk::{Timestamp, params};
use serde::{Deserialize, Serialize};

use super::account::Account;
use super::book::{Book, Known};
use super::posting::Posting;
use super::record::{Malformed, Record};
use super::transfer::{Answer, Posted, Transfer};
use crate::id;
use crate::sql::{Row, Statement, integers, rows, texts};

/// The most postings of a batch.
pub const MAX_BATCH: usize = 1000;

/// Locks the accounts with these ids, and reads them. The order is that of the ids in both: locks are taken in it.
///
/// A join and not `= ANY`: PostgreSQL looks once more at each row that it waited for, and would go through all the ids for it.
pub const LOCK: Statement = Statement {
    sqlite: "SELECT id, kind, currency, status, debits_posted, credits_posted, debits_pending, credits_pending, \
             chain_head, posted_at FROM account WHERE id IN (SELECT value FROM json_each($1)) ORDER BY id",
    postgresql: "SELECT a.id, a.kind, a.currency, a.status, a.debits_posted, a.credits_posted, a.debits_pending, \
                 a.credits_pending, a.chain_head, a.posted_at FROM unnest(CAST($1 AS TEXT[])) AS asked (id) \
                 JOIN account AS a ON a.id = asked.id ORDER BY a.id FOR UPDATE OF a",
};

/// The same, and the accounts of holds, which never change.
const LOCK_WITH_HOLDS: Statement = Statement {
    sqlite: "SELECT id, kind, currency, status, debits_posted, credits_posted, debits_pending, credits_pending, \
             chain_head, posted_at FROM account WHERE id IN (SELECT value FROM json_each($1) \
             UNION SELECT debit_account_id FROM transfer WHERE id IN (SELECT value FROM json_each($2)) \
             UNION SELECT credit_account_id FROM transfer WHERE id IN (SELECT value FROM json_each($2))) ORDER BY id",
    postgresql: "SELECT id, kind, currency, status, debits_posted, credits_posted, debits_pending, credits_pending, \
                 chain_head, posted_at FROM account WHERE id IN (SELECT unnest(CAST($1 AS TEXT[])) \
                 UNION SELECT debit_account_id FROM transfer WHERE id = ANY($2) \
                 UNION SELECT credit_account_id FROM transfer WHERE id = ANY($2)) ORDER BY id FOR UPDATE",
};

/// Transfers with what refers to them: a hold's resolution, and the sum of corrections.
macro_rules! known {
    ($of:literal) => {
        concat!(
            "SELECT t.id, t.kind, t.debit_account_id, t.credit_account_id, t.amount, t.currency, t.code, t.reference, \
             t.pending_id, t.reversal_of, t.expires_at, t.debit_balance, t.debit_debits_pending, t.debit_credits_pending, \
             t.debit_hash, t.credit_balance, t.credit_debits_pending, t.credit_credits_pending, t.credit_hash, t.created_at, \
             r.kind AS resolved_as, (SELECT CAST(COALESCE(SUM(c.amount), 0) AS BIGINT) FROM transfer AS c \
             WHERE c.reversal_of = t.id) AS reversed \
             FROM transfer AS t LEFT JOIN transfer AS r ON r.pending_id = t.id WHERE t.id ",
            $of
        )
    };
}

/// The transfers with these ids that there are.
pub const KNOWN: Statement =
    Statement { sqlite: known!("IN (SELECT value FROM json_each($1))"), postgresql: known!("= ANY($1)") };

/// The columns of [`Record`], in the order of its [`Row`].
macro_rules! transfer_columns {
    () => {
        "id, kind, debit_account_id, credit_account_id, amount, currency, code, reference, pending_id, reversal_of, \
         expires_at, debit_balance, debit_debits_pending, debit_credits_pending, debit_hash, credit_balance, \
         credit_debits_pending, credit_credits_pending, credit_hash, created_at"
    };
}

/// Writes transfers, rows of [`Record`].
pub const INSERT_TRANSFERS: Statement = Statement {
    sqlite: concat!(
        "INSERT INTO transfer (",
        transfer_columns!(),
        ") SELECT value ->> 'id', value ->> 'kind', value ->> 'debit_account_id', value ->> 'credit_account_id', \
         value ->> 'amount', value ->> 'currency', value ->> 'code', value ->> 'reference', value ->> 'pending_id', \
         value ->> 'reversal_of', value ->> 'expires_at', value ->> 'debit_balance', value ->> 'debit_debits_pending', \
         value ->> 'debit_credits_pending', value ->> 'debit_hash', value ->> 'credit_balance', \
         value ->> 'credit_debits_pending', value ->> 'credit_credits_pending', value ->> 'credit_hash', \
         value ->> 'created_at' FROM json_each($1)"
    ),
    postgresql: concat!(
        "INSERT INTO transfer (",
        transfer_columns!(),
        ") SELECT id, kind, debit_account_id, credit_account_id, amount, currency, code, reference, \
         NULLIF(pending_id, ''), NULLIF(reversal_of, ''), NULLIF(expires_at, none), debit_balance, \
         NULLIF(debit_debits_pending, none), NULLIF(debit_credits_pending, none), NULLIF(debit_hash, ''), credit_balance, \
         NULLIF(credit_debits_pending, none), NULLIF(credit_credits_pending, none), NULLIF(credit_hash, ''), created_at \
         FROM unnest(CAST($1 AS TEXT[]), CAST($2 AS TEXT[]), CAST($3 AS TEXT[]), CAST($4 AS TEXT[]), \
         CAST($5 AS BIGINT[]), CAST($6 AS TEXT[]), CAST($7 AS TEXT[]), CAST($8 AS TEXT[]), CAST($9 AS TEXT[]), \
         CAST($10 AS TEXT[]), CAST($11 AS BIGINT[]), CAST($12 AS BIGINT[]), CAST($13 AS BIGINT[]), CAST($14 AS BIGINT[]), \
         CAST($15 AS TEXT[]), CAST($16 AS BIGINT[]), CAST($17 AS BIGINT[]), CAST($18 AS BIGINT[]), CAST($19 AS TEXT[]), \
         CAST($20 AS BIGINT[])) AS r (",
        transfer_columns!(),
        "), (SELECT CAST('-9223372036854775808' AS BIGINT) AS none) AS n"
    ),
};

/// The primary key of transfers, as an error of the database names it: the constraint on PostgreSQL, the column on SQLite.
const TRANSFER_KEY: [&str; 2] = ["transfer_pkey", "transfer.id"];

/// Writes what accounts have become, rows of [`AccountRow`].
pub const UPDATE_ACCOUNTS: Statement = Statement {
    sqlite: "UPDATE account SET debits_posted = r.value ->> 'debits_posted', \
             credits_posted = r.value ->> 'credits_posted', debits_pending = r.value ->> 'debits_pending', \
             credits_pending = r.value ->> 'credits_pending', chain_head = r.value ->> 'chain_head', \
             posted_at = r.value ->> 'posted_at' FROM json_each($1) AS r WHERE account.id = r.value ->> 'id'",
    postgresql: "UPDATE account SET debits_posted = r.debits_posted, credits_posted = r.credits_posted, \
                 debits_pending = r.debits_pending, credits_pending = r.credits_pending, \
                 chain_head = NULLIF(r.chain_head, ''), posted_at = r.posted_at \
                 FROM unnest(CAST($1 AS TEXT[]), CAST($2 AS BIGINT[]), CAST($3 AS BIGINT[]), CAST($4 AS BIGINT[]), \
                 CAST($5 AS BIGINT[]), CAST($6 AS TEXT[]), CAST($7 AS BIGINT[])) \
                 AS r (id, debits_posted, credits_posted, debits_pending, credits_pending, chain_head, posted_at) \
                 WHERE account.id = r.id",
};

const OPEN_HOLDS: Statement = Statement {
    sqlite: "INSERT INTO open_hold (id, expires_at) SELECT value ->> 'id', value ->> 'expires_at' FROM json_each($1)",
    postgresql: "INSERT INTO open_hold (id, expires_at) \
                 SELECT id, expires_at FROM json_to_recordset(CAST(CAST($1 AS TEXT) AS JSON)) \
                 AS r (id TEXT, expires_at BIGINT)",
};

const CLOSE_HOLDS: Statement = Statement {
    sqlite: "DELETE FROM open_hold WHERE id IN (SELECT value FROM json_each($1))",
    postgresql: "DELETE FROM open_hold WHERE id = ANY($1)",
};

const OPEN_ACCOUNTS: Statement = Statement {
    sqlite: "INSERT INTO account (id, kind, shop_id, name, currency, status, debits_posted, credits_posted, \
             debits_pending, credits_pending, created_at, posted_at) \
             SELECT value ->> 'id', value ->> 'kind', value ->> 'shop_id', value ->> 'name', value ->> 'currency', \
             value ->> 'status', 0, 0, 0, 0, $2, $2 FROM json_each($1) WHERE true ON CONFLICT (id) DO NOTHING",
    postgresql: "INSERT INTO account (id, kind, shop_id, name, currency, status, debits_posted, credits_posted, \
                 debits_pending, credits_pending, created_at, posted_at) \
                 SELECT id, kind, shop_id, name, currency, status, 0, 0, 0, 0, $2, $2 \
                 FROM json_to_recordset(CAST(CAST($1 AS TEXT) AS JSON)) \
                 AS r (id TEXT, kind TEXT, shop_id TEXT, name TEXT, currency TEXT, status TEXT) ON CONFLICT (id) DO NOTHING",
};

/// Posts a batch of at most [`MAX_BATCH`], element by element: the transfers, or why there is none. Whoever calls decides
/// what a refusal means for the transaction.
///
/// It takes the accounts' locks, so that a transaction that posts twice can wait for another that does in a circle: one of them
/// is then told of the conflict and tried again by [`database::transaction`].
pub fn post(tx: &Transaction, postings: &[Posting]) -> Result<Vec<Answer>, database::Error> {
    if postings.len() > MAX_BATCH {
        return Err(database::Error::TooLarge);
    }
    let named = accounts_of(postings);
    let holds = sorted(postings.iter().filter_map(Posting::resolves).map(TransferId::as_str));
    let accounts: Vec<Account> = if holds.is_empty() {
        tx.query(LOCK.text(), params![named])?
    } else {
        tx.query(LOCK_WITH_HOLDS.text(), params![named, holds])?
    };
    let known = known(tx, postings)?;
    let mut book = Book::new(accounts, known);
    if !postings.iter().filter_map(Posting::resolves).all(|hold| book.has_accounts_of(hold)) {
        // It was made after the statement began that locked the accounts.
        return Err(tx.conflict());
    }

    // The clock is read under the locks, so that it runs in the order of the transfers where clocks agree.
    let answers = book.post_all(postings, Timestamp::now(), id::fresh);
    write(tx, &book, answers.iter().flatten().filter_map(Posted::made))?;
    Ok(answers)
}

/// The accounts that postings name, in the order of their locks.
pub fn accounts_of(postings: &[Posting]) -> Vec<&str> {
    let movements = postings.iter().filter_map(Posting::movement);
    sorted(movements.flat_map(|movement| [movement.debit.as_str(), movement.credit.as_str()]))
}

/// The transfers that a batch refers to.
fn known(tx: &Transaction, postings: &[Posting]) -> Result<Vec<Known>, database::Error> {
    let referred = sorted(
        postings
            .iter()
            .flat_map(|posting| [posting.id.as_ref(), posting.resolves(), posting.reverses()])
            .flatten()
            .map(TransferId::as_str),
    );
    if referred.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<KnownRow> = tx.query(KNOWN.text(), params![referred])?;
    rows.into_iter().map(KnownRow::known).collect()
}

/// The transfers with these ids that there are, as they stand now.
pub fn transfers(ids: &[TransferId]) -> Result<Vec<Known>, database::Error> {
    let ids = sorted(ids.iter().map(TransferId::as_str));
    let rows: Vec<KnownRow> = database::query(KNOWN.text(), params![ids])?;
    rows.into_iter().map(KnownRow::known).collect()
}

fn write<'a>(
    tx: &Transaction,
    book: &'a Book,
    made: impl Iterator<Item = &'a Transfer>,
) -> Result<(), database::Error> {
    let transfers: Vec<&Transfer> = made.collect();
    if transfers.is_empty() {
        return Ok(());
    }
    let records: Vec<_> = transfers.iter().map(|transfer| Record::from(*transfer)).collect();
    match tx.execute(INSERT_TRANSFERS.text(), &rows(&records)) {
        // Accounts that are not this batch's were posted to with the same id, by a transaction that has ended since.
        Err(database::Error::UniqueViolation(key)) if TRANSFER_KEY.contains(&key.as_str()) => return Err(tx.conflict()),
        written => written?,
    };
    let accounts: Vec<_> = book.changed().map(AccountRow::from).collect();
    tx.execute(UPDATE_ACCOUNTS.text(), &rows(&accounts))?;

    let holds: Vec<_> =
        transfers.iter().filter(|transfer| transfer.kind == TransferKind::Hold).map(HoldRow::from).collect();
    if !holds.is_empty() {
        tx.execute(OPEN_HOLDS.text(), params![JsonText(&holds)])?;
    }
    let resolved: Vec<_> =
        transfers.iter().filter_map(|transfer| transfer.pending_id.as_ref()).map(TransferId::as_str).collect();
    if !resolved.is_empty() {
        tx.execute(CLOSE_HOLDS.text(), params![resolved])?;
    }
    Ok(())
}

fn sorted<'a>(ids: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut ids: Vec<_> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Opens the accounts that are not there yet, each of an owner in a currency; all begin at zero.
pub fn open(tx: &Transaction, accounts: &[(Owner, Currency)], now: Timestamp) -> Result<(), database::Error> {
    let mut rows: Vec<_> = accounts.iter().map(|(owner, currency)| NewAccountRow::new(owner, *currency)).collect();
    // Two that open the same accounts must not wait for each other in a circle.
    rows.sort_by(|a, b| a.id.cmp(&b.id));
    tx.execute(OPEN_ACCOUNTS.text(), params![JsonText(&rows), now])?;
    Ok(())
}

#[derive(Deserialize)]
struct KnownRow {
    #[serde(flatten)]
    record: Record<'static>,
    resolved_as: Option<TransferKind>,
    reversed: i64,
}

impl KnownRow {
    fn known(self) -> Result<Known, database::Error> {
        let malformed = |Malformed(column)| database::Error::Row(format!("the column {column} of a transfer"));
        let transfer = Transfer::try_from(self.record).map_err(malformed)?;
        Ok(Known { transfer, resolved: self.resolved_as, reversed: self.reversed })
    }
}

/// What is written of an account.
#[derive(Serialize)]
pub struct AccountRow<'a> {
    id: &'a str,
    debits_posted: i64,
    credits_posted: i64,
    debits_pending: i64,
    credits_pending: i64,
    chain_head: Option<String>,
    posted_at: i64,
}

impl<'a> From<&'a Account> for AccountRow<'a> {
    fn from(account: &'a Account) -> Self {
        let totals = &account.totals;
        Self {
            id: account.id.as_str(),
            debits_posted: totals.debits_posted,
            credits_posted: totals.credits_posted,
            debits_pending: totals.debits_pending,
            credits_pending: totals.credits_pending,
            chain_head: account.chain_head.map(|head| head.to_string()),
            posted_at: account.posted_at.as_micros(),
        }
    }
}

impl Row for AccountRow<'_> {
    fn columns(rows: &[Self]) -> Vec<Value> {
        vec![
            texts(rows, |row| row.id),
            integers(rows, |row| row.debits_posted),
            integers(rows, |row| row.credits_posted),
            integers(rows, |row| row.debits_pending),
            integers(rows, |row| row.credits_pending),
            texts(rows, |row| row.chain_head.as_deref()),
            integers(rows, |row| row.posted_at),
        ]
    }
}

#[derive(Serialize)]
struct HoldRow<'a> {
    id: &'a str,
    expires_at: Option<i64>,
}

impl<'a> From<&&'a Transfer> for HoldRow<'a> {
    fn from(hold: &&'a Transfer) -> Self {
        Self { id: hold.id.as_str(), expires_at: hold.expires_at.map(Timestamp::as_micros) }
    }
}

#[derive(Serialize)]
struct NewAccountRow<'a> {
    id: AccountId,
    kind: &'static str,
    shop_id: Option<&'a str>,
    name: Option<&'a str>,
    currency: &'static str,
    status: &'static str,
}

impl<'a> NewAccountRow<'a> {
    fn new(owner: &'a Owner, currency: Currency) -> Self {
        Self {
            id: AccountId::of(owner, currency),
            kind: owner.kind().as_str(),
            shop_id: owner.shop().map(AsRef::as_ref),
            name: owner.name(),
            currency: currency.code(),
            status: AccountStatus::Active.as_str(),
        }
    }
}
