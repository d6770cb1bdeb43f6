//! Stores for tests: one in SQLite, one in PostgreSQL.

use sqlx::AnyPool;

use crate::store::Store;

/// An empty store with the host's own tables.
pub(crate) struct TestStore {
    pub(crate) pool: AnyPool,
    _folder: Option<tempfile::TempDir>,
}

/// One of each kind.
pub(crate) async fn all() -> [TestStore; 2] {
    let url = datamp_test_postgres::Cluster::shared().database();
    let postgresql = Store::open(&url).await.unwrap();
    [sqlite().await, TestStore { pool: postgresql.pool().clone(), _folder: None }]
}

/// One in a file of its own.
pub(crate) async fn sqlite() -> TestStore {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open_sqlite(&folder.path().join("store.db")).await.unwrap();
    TestStore { pool: store.pool().clone(), _folder: Some(folder) }
}
