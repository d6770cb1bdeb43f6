//! The ledger's tables: three statements a batch, whatever its size, and one to open accounts.

use datamp_models::Currency;
use datamp_models::core::{AccountId, AccountStatus, Owner};
use datamp_sdk::database::{self, JsonText, Transaction};
use datamp_sdk::{Timestamp, params};
use serde::Serialize;

use super::book::{Account, Book};
use super::posting::{Posting, Refusal, Transfer};
use crate::id;
use crate::sql::Statement;

/// The order is that of the ids in both: locks are taken in it.
const LOCK: Statement = Statement {
    sqlite: "SELECT id, kind, currency, status, debits_posted, credits_posted, debits_pending, posted_at FROM account \
             WHERE id IN (SELECT value FROM json_each($1)) ORDER BY id",
    postgresql: "SELECT id, kind, currency, status, debits_posted, credits_posted, debits_pending, posted_at FROM account \
                 WHERE id = ANY($1) ORDER BY id FOR UPDATE",
};

const INSERT_TRANSFERS: Statement = Statement {
    sqlite: "INSERT INTO transfer (id, debit_account_id, credit_account_id, amount, currency, code, reference, \
             debit_balance, credit_balance, created_at) \
             SELECT value ->> 'id', value ->> 'debit_account_id', value ->> 'credit_account_id', value ->> 'amount', \
             value ->> 'currency', value ->> 'code', value ->> 'reference', value ->> 'debit_balance', \
             value ->> 'credit_balance', value ->> 'created_at' FROM json_each($1)",
    postgresql: "INSERT INTO transfer (id, debit_account_id, credit_account_id, amount, currency, code, reference, \
                 debit_balance, credit_balance, created_at) \
                 SELECT id, debit_account_id, credit_account_id, amount, currency, code, reference, \
                 debit_balance, credit_balance, created_at FROM json_to_recordset(CAST(CAST($1 AS TEXT) AS JSON)) \
                 AS r (id TEXT, debit_account_id TEXT, credit_account_id TEXT, amount BIGINT, currency TEXT, code TEXT, \
                 reference TEXT, debit_balance BIGINT, credit_balance BIGINT, created_at BIGINT)",
};

const UPDATE_ACCOUNTS: Statement = Statement {
    sqlite: "UPDATE account SET debits_posted = r.value ->> 'debits_posted', \
             credits_posted = r.value ->> 'credits_posted', posted_at = r.value ->> 'posted_at' \
             FROM json_each($1) AS r WHERE account.id = r.value ->> 'id'",
    postgresql: "UPDATE account SET debits_posted = r.debits_posted, credits_posted = r.credits_posted, \
                 posted_at = r.posted_at FROM json_to_recordset(CAST(CAST($1 AS TEXT) AS JSON)) \
                 AS r (id TEXT, debits_posted BIGINT, credits_posted BIGINT, posted_at BIGINT) WHERE account.id = r.id",
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

/// Posts a batch, element by element: the transfers, or why there is none. Whoever calls decides what a refusal means for
/// the transaction.
pub fn post(tx: &Transaction, postings: &[Posting]) -> Result<Vec<Result<Transfer, Refusal>>, database::Error> {
    let mut named: Vec<&str> =
        postings.iter().flat_map(|posting| [posting.debit.as_str(), posting.credit.as_str()]).collect();
    named.sort_unstable();
    named.dedup();
    let mut book = Book::new(tx.query::<Account>(LOCK.text(), params![named])?);

    // The clock is read under the locks, so that it runs in the order of the transfers where clocks agree.
    let results = book.post_all(postings, Timestamp::now(), id::fresh);

    let transfers: Vec<_> = results.iter().flatten().map(TransferRow::from).collect();
    if !transfers.is_empty() {
        let accounts: Vec<_> = book.changed().map(AccountRow::from).collect();
        tx.execute(INSERT_TRANSFERS.text(), params![JsonText(&transfers)])?;
        tx.execute(UPDATE_ACCOUNTS.text(), params![JsonText(&accounts)])?;
    }
    Ok(results)
}

/// Opens the accounts that are not there yet, each of an owner in a currency; all begin at zero.
pub fn open(tx: &Transaction, accounts: &[(Owner, Currency)], now: Timestamp) -> Result<(), database::Error> {
    let mut rows: Vec<_> = accounts.iter().map(|(owner, currency)| NewAccountRow::new(owner, *currency)).collect();
    // Two that open the same accounts must not wait for each other in a circle.
    rows.sort_by(|a, b| a.id.cmp(&b.id));
    tx.execute(OPEN_ACCOUNTS.text(), params![JsonText(&rows), now])?;
    Ok(())
}

#[derive(Serialize)]
struct TransferRow<'a> {
    id: &'a str,
    debit_account_id: &'a str,
    credit_account_id: &'a str,
    amount: i64,
    currency: &'static str,
    code: &'static str,
    reference: &'a str,
    debit_balance: i64,
    credit_balance: i64,
    created_at: i64,
}

impl<'a> From<&'a Transfer> for TransferRow<'a> {
    fn from(transfer: &'a Transfer) -> Self {
        let posting = &transfer.posting;
        Self {
            id: transfer.id.as_str(),
            debit_account_id: posting.debit.as_str(),
            credit_account_id: posting.credit.as_str(),
            amount: posting.amount.minor_units(),
            currency: posting.currency.code(),
            code: posting.code.as_str(),
            reference: &posting.reference,
            debit_balance: transfer.debit_balance,
            credit_balance: transfer.credit_balance,
            created_at: transfer.created_at.as_micros(),
        }
    }
}

#[derive(Serialize)]
struct AccountRow<'a> {
    id: &'a str,
    debits_posted: i64,
    credits_posted: i64,
    posted_at: i64,
}

impl<'a> From<&'a Account> for AccountRow<'a> {
    fn from(account: &'a Account) -> Self {
        Self {
            id: account.id.as_str(),
            debits_posted: account.debits_posted,
            credits_posted: account.credits_posted,
            posted_at: account.posted_at.as_micros(),
        }
    }
}

#[derive(Serialize)]
struct NewAccountRow<'a> {
    id: AccountId,
    kind: &'static str,
    shop_id: Option<&'a str>,
    name: Option<&'static str>,
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
