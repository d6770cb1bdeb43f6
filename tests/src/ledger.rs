//! The ledger, read from the database itself.

use std::collections::{BTreeMap, HashMap};

use datamp_core::ledger::verify::{AccountRow, Sums, TransferRow, Walk, check_sums};
use serde_json::Value;

use crate::{host::Host, storage::Reader};

/// The sum over all accounts; zero in a sound ledger.
pub async fn sum(host: &Host) -> i64 {
    number(host, "SELECT CAST(COALESCE(SUM(credits_posted - debits_posted), 0) AS BIGINT) FROM account").await
}

/// What has been paid, by the transfers.
pub async fn paid(host: &Host) -> i64 {
    number(
        host,
        "SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM transfer \
         WHERE code = 'payment' AND kind IN ('posted', 'capture')",
    )
    .await
}

/// How many accounts have totals that their transfers don't add up to.
pub async fn unsound_accounts(host: &Host) -> i64 {
    let statement = "SELECT COUNT(*) FROM account WHERE credits_posted <> (SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) \
                     FROM transfer WHERE credit_account_id = account.id AND kind IN ('posted', 'capture')) OR debits_posted <> (SELECT \
                     CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM transfer WHERE debit_account_id = account.id AND kind IN ('posted', 'capture'))";
    number(host, statement).await
}

/// Fails the test unless the ledger is sound: it adds up to nothing, and every account to its transfers.
pub async fn assert_sound(host: &Host) {
    assert_eq!(sum(host).await, 0);
    assert_eq!(unsound_accounts(host).await, 0);
}

/// Reads the whole ledger, and fails the test unless every chain, every balance and every hold in it is right by core's own
/// rules, and all of it adds up to nothing. It may be used meanwhile: what is read is checked up to the moment of its accounts.
pub async fn verify(host: &Host) -> Verified {
    let mut reader = host.storage().reader(host.data()).await;
    let accounts = accounts(&mut reader).await;
    let transfers = transfers(&mut reader).await;
    reader.close().await;
    let mut verified = Verified { accounts: accounts.len(), transfers: 0 };
    let mut sums: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for account in &accounts {
        let rows = transfers.get(&account.id).map(Vec::as_slice).unwrap_or_default();
        let known: Vec<_> = rows.iter().filter(|row| row.record.created_at <= account.posted_at).cloned().collect();
        let mut walk = Walk::new(account);
        walk.page(&known).and_then(|()| walk.finish(account)).unwrap_or_else(|fault| panic!("{fault:?}: {account:?}"));
        assert_eq!(walk.unsealed(), 0, "{account:?}");
        verified.transfers += known.len();
        let sum = sums.entry(&account.currency).or_default();
        sum.0 += account.totals.balance();
        sum.1 += account.totals.credits_pending - account.totals.debits_pending;
    }
    // Each stands in the history of both its accounts.
    assert_eq!(verified.transfers % 2, 0);
    verified.transfers /= 2;
    let sums: Vec<_> = sums
        .into_iter()
        .map(|(currency, (posted, pending))| Sums { currency: currency.to_owned(), posted, pending })
        .collect();
    check_sums(&sums).unwrap_or_else(|fault| panic!("{fault:?}"));
    verified
}

/// The same, and that no correction exceeds what it corrects, no hold is resolved twice, and the list of open holds is right.
pub async fn assert_invariants(host: &Host) -> Verified {
    let statement = "SELECT COUNT(*) FROM transfer AS t WHERE t.amount < \
                     (SELECT SUM(r.amount) FROM transfer AS r WHERE r.reversal_of = t.id)";
    assert_eq!(number(host, statement).await, 0);
    let statement = "SELECT COUNT(*) FROM (SELECT pending_id FROM transfer WHERE pending_id IS NOT NULL \
                     GROUP BY pending_id HAVING COUNT(*) > 1) AS twice";
    assert_eq!(number(host, statement).await, 0);
    let statement = "SELECT COUNT(*) FROM transfer AS h WHERE h.kind = 'hold' AND EXISTS (SELECT 1 FROM open_hold AS o WHERE o.id = h.id) \
                     = EXISTS (SELECT 1 FROM transfer AS r WHERE r.pending_id = h.id)";
    assert_eq!(number(host, statement).await, 0);
    verify(host).await
}

/// How much was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Accounts.
    pub accounts: usize,
    /// Transfers.
    pub transfers: usize,
}

async fn accounts(reader: &mut Reader) -> Vec<AccountRow> {
    let later =
        "COALESCE((SELECT MAX(created_at) FROM transfer WHERE {side}_account_id = account.id), posted_at) > posted_at";
    let [debit, credit] = ["debit", "credit"].map(|side| later.replace("{side}", side));
    let query =
        format!("(SELECT account.*, CASE WHEN {debit} OR {credit} THEN 1 ELSE 0 END AS has_later FROM account)");
    let mut columns = reader.columns("account").await;
    columns.push("has_later".to_owned());
    let read = |mut row: Value| {
        row["has_later"] = Value::from(row["has_later"] == 1);
        serde_json::from_value(row).unwrap()
    };
    reader.rows(&query, &columns).await.into_iter().map(read).collect()
}

/// The transfers of each account, in their order.
async fn transfers(reader: &mut Reader) -> HashMap<String, Vec<TransferRow>> {
    let query = "(SELECT t.*, h.kind AS hold_kind, h.amount AS hold_amount, h.debit_account_id AS hold_debit_account_id, \
                 h.credit_account_id AS hold_credit_account_id, h.created_at AS hold_created_at, \
                 CASE WHEN r.id IS NOT NULL THEN 1 ELSE 0 END AS is_resolved, \
                 CASE WHEN o.id IS NOT NULL THEN 1 ELSE 0 END AS is_listed, o.expires_at AS listed_until \
                 FROM transfer AS t LEFT JOIN transfer AS h ON h.id = t.pending_id \
                 LEFT JOIN transfer AS r ON r.pending_id = t.id LEFT JOIN open_hold AS o ON o.id = t.id)";
    let mut columns = reader.columns("transfer").await;
    let of_hold = ["kind", "amount", "debit_account_id", "credit_account_id", "created_at"];
    columns.extend(of_hold.map(|column| format!("hold_{column}")));
    columns.extend(["is_resolved", "is_listed", "listed_until"].map(str::to_owned));
    let mut transfers: HashMap<String, Vec<TransferRow>> = HashMap::new();
    for mut row in reader.rows(query, &columns).await {
        for told in ["is_resolved", "is_listed"] {
            row[told] = Value::from(row[told] == 1);
        }
        let row: TransferRow = serde_json::from_value(row).unwrap();
        for account in [&row.record.debit_account_id, &row.record.credit_account_id] {
            transfers.entry(account.to_string()).or_default().push(row.clone());
        }
    }
    for rows in transfers.values_mut() {
        rows.sort_by_key(|row| row.record.created_at);
    }
    transfers
}

async fn number(host: &Host, statement: &'static str) -> i64 {
    host.storage().number(host.data(), statement).await
}

/// How many steps of operations are in core's audit: `requested`, `executed` ...
pub async fn steps(host: &Host, step: &'static str) -> i64 {
    number(
        host,
        match step {
            "requested" => "SELECT COUNT(*) FROM audit WHERE action = 'operation.requested'",
            "approved" => "SELECT COUNT(*) FROM audit WHERE action = 'operation.approved'",
            "executed" => "SELECT COUNT(*) FROM audit WHERE action = 'operation.executed'",
            "rejected" => "SELECT COUNT(*) FROM audit WHERE action = 'operation.rejected'",
            "expired" => "SELECT COUNT(*) FROM audit WHERE action = 'operation.expired'",
            "refused" => "SELECT COUNT(*) FROM audit WHERE action = 'operation.refused'",
            other => panic!("{other} is no step"),
        },
    )
    .await
}
