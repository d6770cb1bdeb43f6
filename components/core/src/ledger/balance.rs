//! What accounts hold: now, and as of a date.

use std::collections::HashMap;

use datamp_models::core::AccountId;
use datamp_sdk::{Timestamp, database, params};
use serde::Deserialize;

use super::account::Totals;
use crate::sql::Statement;

/// The balance of an account, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// Credits less debits.
    pub posted: i64,
    /// What is held for debits to come.
    pub debits_pending: i64,
    /// What is held elsewhere for credits to come.
    pub credits_pending: i64,
}

impl Balance {
    /// What can be debited: what is posted less what is held.
    pub fn available(&self) -> i64 {
        self.posted - self.debits_pending
    }
}

impl From<Totals> for Balance {
    fn from(totals: Totals) -> Self {
        Self {
            posted: totals.balance(),
            debits_pending: totals.debits_pending,
            credits_pending: totals.credits_pending,
        }
    }
}

const NOW: Statement = Statement {
    sqlite: "SELECT id, debits_posted, credits_posted, debits_pending, credits_pending FROM account \
             WHERE id IN (SELECT value FROM json_each($1))",
    postgresql: "SELECT id, debits_posted, credits_posted, debits_pending, credits_pending FROM account \
                 WHERE id = ANY($1)",
};

/// The latest transfers of each side up to a time, by the indexes that are there; and, for what was pending, the latest that
/// say so: those that the code of a release before holds made don't, and change nothing about it.
macro_rules! as_of {
    ($of:literal) => {
        concat!(
            "WITH latest AS (SELECT a.id, \
             (SELECT created_at FROM transfer WHERE debit_account_id = a.id AND created_at <= $2 \
             ORDER BY created_at DESC LIMIT 1) AS debit_at, \
             (SELECT created_at FROM transfer WHERE credit_account_id = a.id AND created_at <= $2 \
             ORDER BY created_at DESC LIMIT 1) AS credit_at, \
             (SELECT created_at FROM transfer WHERE debit_account_id = a.id AND created_at <= $2 \
             AND debit_debits_pending IS NOT NULL ORDER BY created_at DESC LIMIT 1) AS pending_debit_at, \
             (SELECT created_at FROM transfer WHERE credit_account_id = a.id AND created_at <= $2 \
             AND credit_debits_pending IS NOT NULL ORDER BY created_at DESC LIMIT 1) AS pending_credit_at \
             FROM account AS a WHERE a.id ",
            $of,
            ") SELECT l.id, l.debit_at, l.credit_at, d.debit_balance, c.credit_balance, \
             l.pending_debit_at, l.pending_credit_at, p.debit_debits_pending, p.debit_credits_pending, \
             q.credit_debits_pending, q.credit_credits_pending FROM latest AS l \
             LEFT JOIN transfer AS d ON d.debit_account_id = l.id AND d.created_at = l.debit_at \
             LEFT JOIN transfer AS c ON c.credit_account_id = l.id AND c.created_at = l.credit_at \
             LEFT JOIN transfer AS p ON p.debit_account_id = l.id AND p.created_at = l.pending_debit_at \
             LEFT JOIN transfer AS q ON q.credit_account_id = l.id AND q.created_at = l.pending_credit_at"
        )
    };
}

const AS_OF: Statement =
    Statement { sqlite: as_of!("IN (SELECT value FROM json_each($1))"), postgresql: as_of!("= ANY($1)") };

#[derive(Deserialize)]
struct NowRow {
    id: AccountId,
    #[serde(flatten)]
    totals: Totals,
}

#[derive(Deserialize)]
struct AsOfRow {
    id: AccountId,
    debit_at: Option<i64>,
    credit_at: Option<i64>,
    debit_balance: Option<i64>,
    credit_balance: Option<i64>,
    pending_debit_at: Option<i64>,
    pending_credit_at: Option<i64>,
    debit_debits_pending: Option<i64>,
    debit_credits_pending: Option<i64>,
    credit_debits_pending: Option<i64>,
    credit_credits_pending: Option<i64>,
}

impl AsOfRow {
    /// Of both sides, the later transfer says how the account stood.
    fn balance(&self) -> Balance {
        let posted = if self.debit_at > self.credit_at { self.debit_balance } else { self.credit_balance };
        let (debits_pending, credits_pending) = if self.pending_debit_at > self.pending_credit_at {
            (self.debit_debits_pending, self.debit_credits_pending)
        } else {
            (self.credit_debits_pending, self.credit_credits_pending)
        };
        Balance {
            posted: posted.unwrap_or(0),
            debits_pending: debits_pending.unwrap_or(0),
            credits_pending: credits_pending.unwrap_or(0),
        }
    }
}

/// The balances of accounts now, in the order that they were asked in; `None` for an account that is not there.
pub fn now(accounts: &[AccountId]) -> Result<Vec<Option<Balance>>, database::Error> {
    let rows: Vec<NowRow> = database::query(NOW.text(), params![texts(accounts)])?;
    let found: HashMap<_, _> = rows.into_iter().map(|row| (row.id, row.totals.into())).collect();
    Ok(in_order(accounts, &found))
}

/// The balances of accounts after all transfers of `time` and before, in the order that they were asked in; zero before an
/// account's first transfer, `None` for an account that is not there.
pub fn as_of(accounts: &[AccountId], time: Timestamp) -> Result<Vec<Option<Balance>>, database::Error> {
    let rows: Vec<AsOfRow> = database::query(AS_OF.text(), params![texts(accounts), time])?;
    let found: HashMap<_, _> = rows
        .into_iter()
        .map(|row| {
            let balance = row.balance();
            (row.id, balance)
        })
        .collect();
    Ok(in_order(accounts, &found))
}

fn texts(accounts: &[AccountId]) -> Vec<&str> {
    accounts.iter().map(AccountId::as_str).collect()
}

fn in_order(accounts: &[AccountId], found: &HashMap<AccountId, Balance>) -> Vec<Option<Balance>> {
    accounts.iter().map(|id| found.get(id).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> AsOfRow {
        AsOfRow {
            id: "acc_034yhpszgyg509jm3xcrckwzk3".parse().unwrap(),
            debit_at: Some(2),
            credit_at: Some(1),
            debit_balance: Some(70),
            credit_balance: Some(100),
            pending_debit_at: Some(2),
            pending_credit_at: Some(1),
            debit_debits_pending: Some(30),
            debit_credits_pending: Some(3),
            credit_debits_pending: Some(0),
            credit_credits_pending: Some(1),
        }
    }

    #[test]
    fn the_later_transfer_says_how_an_account_stood() {
        let balance = row().balance();
        assert_eq!(balance, Balance { posted: 70, debits_pending: 30, credits_pending: 3 });
        assert_eq!(balance.available(), 40);
        let balance = AsOfRow { credit_at: Some(3), pending_credit_at: Some(3), ..row() }.balance();
        assert_eq!(balance, Balance { posted: 100, debits_pending: 0, credits_pending: 1 });
    }

    #[test]
    fn a_side_without_transfers_says_nothing() {
        let none = AsOfRow { credit_at: None, pending_credit_at: None, ..row() };
        assert_eq!(none.balance().posted, 70);
        let none = AsOfRow { debit_at: None, pending_debit_at: None, ..row() };
        assert_eq!(none.balance(), Balance { posted: 100, debits_pending: 0, credits_pending: 1 });
    }

    /// The code of a release before holds knows what it posted, and not what is pending.
    #[test]
    fn what_is_pending_comes_from_the_latest_transfer_that_says_so() {
        let row = AsOfRow { credit_at: Some(9), credit_balance: Some(75), ..row() };
        assert_eq!(row.balance(), Balance { posted: 75, debits_pending: 30, credits_pending: 3 });
    }
}
