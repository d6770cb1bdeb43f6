//! The host's own migrations: all that are missing, in order, in one transaction, under a lock.

use sha2::{Digest as _, Sha256};
use sqlx::{Any, AssertSqlSafe, Executor as _, Row as _, Transaction};

use super::{POSTGRES_SCHEMA, Store, StoreDialect, StoreError};

/// By number, without gaps. What was released is never changed again.
const MIGRATIONS: &[(i64, &str)] = &[
    (1, include_str!("migrations/0001_database.sql")),
    (2, include_str!("migrations/0002_capabilities.sql")),
    (3, include_str!("migrations/0003_deployments.sql")),
    (4, include_str!("migrations/0004_work.sql")),
];

/// The advisory lock, on PostgreSQL, of whoever changes the host's tables.
const LOCK: i64 = 0x6461_7461_6d70;

pub(super) async fn apply(store: &Store) -> Result<(), StoreError> {
    let mut transaction = store.begin().await?;
    if store.dialect() == StoreDialect::Postgresql {
        // What is read after this, is read in a statement of its own: the waiting one keeps its old view of the tables.
        let lock = format!("SET LOCAL lock_timeout = '60s'; SELECT pg_advisory_xact_lock({LOCK})");
        transaction.execute(sqlx::raw_sql(AssertSqlSafe(lock))).await?;
        let schema = format!("CREATE SCHEMA IF NOT EXISTS {POSTGRES_SCHEMA}");
        transaction.execute(sqlx::raw_sql(AssertSqlSafe(schema))).await?;
    }
    let table = "CREATE TABLE IF NOT EXISTS host_schema (number BIGINT PRIMARY KEY, checksum TEXT NOT NULL, applied_at BIGINT NOT NULL)";
    transaction.execute(sqlx::raw_sql(table)).await?;
    let applied =
        sqlx::query("SELECT number, checksum FROM host_schema ORDER BY number").fetch_all(&mut *transaction).await?;
    for row in &applied {
        let (number, checksum): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
        let Some((_, sql)) = MIGRATIONS.iter().find(|(known, _)| *known == number) else {
            return Err(StoreError::Newer(number));
        };
        if checksum != checksum_of(sql) {
            return Err(StoreError::Differs(number));
        }
    }
    for (number, sql) in MIGRATIONS.iter().skip(applied.len()) {
        run(&mut transaction, store.dialect(), *number, sql)
            .await
            .map_err(|problem| StoreError::Migration { number: *number, problem })?;
    }
    transaction.commit().await?;
    Ok(())
}

async fn run(
    transaction: &mut Transaction<'_, Any>,
    dialect: StoreDialect,
    number: i64,
    sql: &str,
) -> Result<(), sqlx::Error> {
    let text = match dialect {
        StoreDialect::Sqlite => sql.to_owned(),
        StoreDialect::Postgresql => sql.replace(" BLOB", " BYTEA"),
    };
    transaction.execute(sqlx::raw_sql(AssertSqlSafe(text))).await?;
    sqlx::query("INSERT INTO host_schema (number, checksum, applied_at) VALUES ($1, $2, $3)")
        .bind(number)
        .bind(checksum_of(sql))
        .bind(Store::now_micros())
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

fn checksum_of(sql: &str) -> String {
    hex::encode(Sha256::digest(sql.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_have_no_gaps_and_the_types_are_those_that_both_databases_and_the_driver_know() {
        for (position, (number, sql)) in MIGRATIONS.iter().enumerate() {
            assert_eq!(usize::try_from(*number).unwrap(), position + 1);
            for word in ["TIMESTAMP", "JSON", "BYTEA", "INTEGER", "SERIAL"] {
                assert!(!sql.split(|c: char| !c.is_ascii_alphanumeric()).any(|w| w == word), "{number} uses {word}");
            }
        }
    }
}
