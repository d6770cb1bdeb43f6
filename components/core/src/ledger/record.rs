//! A row of the table `transfer`.

use std::borrow::Cow;

use datamp_models::Amount;
use datamp_models::core::{TransferCode, TransferKind};
use datamp_sdk::Timestamp;
use datamp_sdk::database::Value;
use serde::{Deserialize, Serialize};

use super::chain::Hash;
use super::transfer::{After, Transfer};
use crate::sql::{Row, integers, texts};

/// A transfer as its row has it: what is written, what is hashed, and what an audit reads, which must not take for granted
/// that a row is well-formed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "they are the columns, told in the migrations and in `Transfer`")]
pub struct Record<'a> {
    pub id: Cow<'a, str>,
    pub kind: Cow<'a, str>,
    pub debit_account_id: Cow<'a, str>,
    pub credit_account_id: Cow<'a, str>,
    pub amount: i64,
    pub currency: Cow<'a, str>,
    pub code: Cow<'a, str>,
    pub reference: Cow<'a, str>,
    pub pending_id: Option<Cow<'a, str>>,
    pub reversal_of: Option<Cow<'a, str>>,
    pub expires_at: Option<i64>,
    pub debit_balance: i64,
    pub debit_debits_pending: Option<i64>,
    pub debit_credits_pending: Option<i64>,
    pub debit_hash: Option<Cow<'a, str>>,
    pub credit_balance: i64,
    pub credit_debits_pending: Option<i64>,
    pub credit_credits_pending: Option<i64>,
    pub credit_hash: Option<Cow<'a, str>>,
    pub created_at: i64,
}

impl<'a> From<&'a Transfer> for Record<'a> {
    fn from(transfer: &'a Transfer) -> Self {
        let hash = |after: &'a After| after.hash.as_ref().map(|hash| Cow::Owned(hash.to_string()));
        Self {
            id: transfer.id.as_str().into(),
            kind: transfer.kind.as_str().into(),
            debit_account_id: transfer.debit.as_str().into(),
            credit_account_id: transfer.credit.as_str().into(),
            amount: transfer.amount.minor_units(),
            currency: transfer.currency.code().into(),
            code: transfer.code.as_str().into(),
            reference: transfer.reference.as_str().into(),
            pending_id: transfer.pending_id.as_ref().map(|id| id.as_str().into()),
            reversal_of: transfer.reversal_of.as_ref().map(|id| id.as_str().into()),
            expires_at: transfer.expires_at.map(Timestamp::as_micros),
            debit_balance: transfer.debit_after.balance,
            debit_debits_pending: transfer.debit_after.debits_pending,
            debit_credits_pending: transfer.debit_after.credits_pending,
            debit_hash: hash(&transfer.debit_after),
            credit_balance: transfer.credit_after.balance,
            credit_debits_pending: transfer.credit_after.debits_pending,
            credit_credits_pending: transfer.credit_after.credits_pending,
            credit_hash: hash(&transfer.credit_after),
            created_at: transfer.created_at.as_micros(),
        }
    }
}

impl Row for Record<'_> {
    fn columns(rows: &[Self]) -> Vec<Value> {
        vec![
            texts(rows, |row| &*row.id),
            texts(rows, |row| &*row.kind),
            texts(rows, |row| &*row.debit_account_id),
            texts(rows, |row| &*row.credit_account_id),
            integers(rows, |row| row.amount),
            texts(rows, |row| &*row.currency),
            texts(rows, |row| &*row.code),
            texts(rows, |row| &*row.reference),
            texts(rows, |row| row.pending_id.as_deref()),
            texts(rows, |row| row.reversal_of.as_deref()),
            integers(rows, |row| row.expires_at),
            integers(rows, |row| row.debit_balance),
            integers(rows, |row| row.debit_debits_pending),
            integers(rows, |row| row.debit_credits_pending),
            texts(rows, |row| row.debit_hash.as_deref()),
            integers(rows, |row| row.credit_balance),
            integers(rows, |row| row.credit_debits_pending),
            integers(rows, |row| row.credit_credits_pending),
            texts(rows, |row| row.credit_hash.as_deref()),
            integers(rows, |row| row.created_at),
        ]
    }
}

/// A row that no transfer was written as: the column at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

impl TryFrom<Record<'_>> for Transfer {
    type Error = Malformed;

    fn try_from(record: Record<'_>) -> Result<Self, Malformed> {
        fn read<T: std::str::FromStr>(column: &'static str, text: &str) -> Result<T, Malformed> {
            text.parse().map_err(|_| Malformed(column))
        }
        let id = |column, text: Option<Cow<'_, str>>| text.map(|text| read(column, &text)).transpose();
        let hash = |column, text: Option<Cow<'_, str>>| {
            text.map(|text| Hash::parse(&text).ok_or(Malformed(column))).transpose()
        };
        Ok(Self {
            id: read("id", &record.id)?,
            kind: TransferKind::named(&record.kind).ok_or(Malformed("kind"))?,
            debit: read("debit_account_id", &record.debit_account_id)?,
            credit: read("credit_account_id", &record.credit_account_id)?,
            amount: Amount::new(record.amount).map_err(|_| Malformed("amount"))?,
            currency: read("currency", &record.currency)?,
            code: TransferCode::named(&record.code).ok_or(Malformed("code"))?,
            reference: record.reference.into_owned(),
            pending_id: id("pending_id", record.pending_id)?,
            reversal_of: id("reversal_of", record.reversal_of)?,
            expires_at: record.expires_at.map(Timestamp::from_micros),
            debit_after: After {
                balance: record.debit_balance,
                debits_pending: record.debit_debits_pending,
                credits_pending: record.debit_credits_pending,
                hash: hash("debit_hash", record.debit_hash)?,
            },
            credit_after: After {
                balance: record.credit_balance,
                debits_pending: record.credit_debits_pending,
                credits_pending: record.credit_credits_pending,
                hash: hash("credit_hash", record.credit_hash)?,
            },
            created_at: Timestamp::from_micros(record.created_at),
        })
    }
}
