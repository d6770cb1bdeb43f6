//! The host's own tables on both databases.

use std::time::Duration;

use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _, sqlite::SqliteConnectOptions};

use super::{Store, StoreDialect, StoreError};

async fn stores() -> Vec<(Store, String, tempfile::TempDir)> {
    let mut stores = Vec::new();
    for postgresql in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let url = if postgresql {
            datamp_test_postgres::Cluster::shared().database()
        } else {
            format!("sqlite:{}", folder.path().join("store.db").display())
        };
        stores.push((Store::open(&url).await.unwrap(), url, folder));
    }
    stores
}

#[tokio::test]
async fn database_migrations_of_the_host_are_applied_once_and_compared() {
    for (store, url, _folder) in stores().await {
        let count = async || -> i64 {
            sqlx::query("SELECT CAST(COUNT(*) AS BIGINT) FROM host_schema")
                .fetch_one(store.pool())
                .await
                .unwrap()
                .try_get(0)
                .unwrap()
        };
        let applied = count().await;
        assert!(applied >= 3);
        Store::open(&url).await.unwrap();
        assert_eq!(count().await, applied);
        sqlx::query("UPDATE host_schema SET checksum = 'x' WHERE number = 2").execute(store.pool()).await.unwrap();
        assert!(matches!(Store::open(&url).await, Err(StoreError::Differs(2))));
        sqlx::query("UPDATE host_schema SET number = 99 WHERE number = 2").execute(store.pool()).await.unwrap();
        assert!(matches!(Store::open(&url).await, Err(StoreError::Newer(99))));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn database_transactions_of_the_host_wait_for_each_other() {
    for (store, _, _folder) in stores().await {
        sqlx::raw_sql(
            "CREATE TABLE host_test (id TEXT PRIMARY KEY, n BIGINT NOT NULL); INSERT INTO host_test VALUES ('a', 0)",
        )
        .execute(store.pool())
        .await
        .unwrap();
        let lock = if store.dialect() == StoreDialect::Postgresql { " FOR UPDATE" } else { "" };
        let tasks: Vec<_> = (0..4)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move {
                    for _ in 0..5 {
                        let mut transaction = store.begin().await.unwrap();
                        let read = AssertSqlSafe(format!("SELECT n FROM host_test WHERE id = 'a'{lock}"));
                        let n: i64 = sqlx::query(read).fetch_one(&mut *transaction).await.unwrap().try_get(0).unwrap();
                        sqlx::query("UPDATE host_test SET n = $1 WHERE id = 'a'")
                            .bind(n + 1)
                            .execute(&mut *transaction)
                            .await
                            .unwrap();
                        transaction.commit().await.unwrap();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let n: i64 = sqlx::query("SELECT n FROM host_test").fetch_one(store.pool()).await.unwrap().try_get(0).unwrap();
        assert_eq!(n, 20);
    }
}

#[tokio::test]
async fn database_bytes_are_kept_as_they_are() {
    for (store, _, _folder) in stores().await {
        let kind = if store.dialect() == StoreDialect::Postgresql { "BYTEA" } else { "BLOB" };
        let table = AssertSqlSafe(format!("CREATE TABLE host_bytes (content {kind} NOT NULL)"));
        sqlx::raw_sql(table).execute(store.pool()).await.unwrap();
        let bytes: Vec<u8> = (0..=255).collect();
        sqlx::query("INSERT INTO host_bytes (content) VALUES ($1)").bind(&bytes).execute(store.pool()).await.unwrap();
        let read: Vec<u8> =
            sqlx::query("SELECT content FROM host_bytes").fetch_one(store.pool()).await.unwrap().try_get(0).unwrap();
        assert_eq!(read, bytes);
    }
}

#[tokio::test]
async fn database_file_that_somebody_writes_to_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    // As another host does while it makes the file.
    let mut writer = SqliteConnectOptions::new().filename(&path).create_if_missing(true).connect().await.unwrap();
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut writer).await.unwrap();
    let mut opening = Box::pin(Store::open_sqlite(&path));
    let early = tokio::time::timeout(Duration::from_millis(200), &mut opening).await;
    assert!(early.is_err(), "{:?}", early.map(|opened| opened.map(drop)));
    sqlx::raw_sql("COMMIT").execute(&mut writer).await.unwrap();
    opening.await.unwrap();
}
