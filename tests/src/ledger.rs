//! The ledger, read from the database itself.

use crate::host::Host;

/// The sum over all accounts; zero in a sound ledger.
pub async fn sum(host: &Host) -> i64 {
    number(host, "SELECT CAST(COALESCE(SUM(credits_posted - debits_posted), 0) AS BIGINT) FROM account").await
}

/// What has been paid, by the transfers.
pub async fn paid(host: &Host) -> i64 {
    number(host, "SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM transfer WHERE code = 'payment'").await
}

/// How many accounts have totals that their transfers don't add up to.
pub async fn unsound_accounts(host: &Host) -> i64 {
    let statement = "SELECT COUNT(*) FROM account WHERE credits_posted <> (SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) \
                     FROM transfer WHERE credit_account_id = account.id) OR debits_posted <> (SELECT \
                     CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM transfer WHERE debit_account_id = account.id)";
    number(host, statement).await
}

/// Fails the test unless the ledger is sound: it adds up to nothing, and every account to its transfers.
pub async fn assert_sound(host: &Host) {
    assert_eq!(sum(host).await, 0);
    assert_eq!(unsound_accounts(host).await, 0);
}

async fn number(host: &Host, statement: &'static str) -> i64 {
    host.storage().number(host.data(), statement).await
}
