//! Stores for tests: SQLite always, and PostgreSQL where `DATAMP_TEST_POSTGRES` holds the URL of a server whose user may create
//! databases.

use sqlx::{AnyPool, AssertSqlSafe};

use crate::store::Store;

/// An empty store with the host's own tables.
pub(crate) struct TestStore {
    pub(crate) pool: AnyPool,
    _folder: Option<tempfile::TempDir>,
}

/// One of each kind.
pub(crate) async fn all() -> Vec<TestStore> {
    let mut stores = vec![sqlite().await];
    if let Ok(server) = std::env::var("DATAMP_TEST_POSTGRES") {
        stores.push(postgresql(&server).await);
    }
    stores
}

/// One in a file of its own.
pub(crate) async fn sqlite() -> TestStore {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open_sqlite(&folder.path().join("store.db")).await.unwrap();
    TestStore { pool: store.pool().clone(), _folder: Some(folder) }
}

async fn postgresql(server: &str) -> TestStore {
    sqlx::any::install_default_drivers();
    let name = format!("capabilities_{}", uuid::Uuid::new_v4().simple());
    let create = AssertSqlSafe(format!("CREATE DATABASE {name}"));
    sqlx::raw_sql(create).execute(&AnyPool::connect(server).await.unwrap()).await.unwrap();
    let mut url = url::Url::parse(server).unwrap();
    url.set_path(&name);
    let store = Store::open(url.as_str()).await.unwrap();
    TestStore { pool: store.pool().clone(), _folder: None }
}
