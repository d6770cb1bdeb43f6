//! The database behind a host, and a way into it past the host: what it holds is read from itself.

use std::path::Path;

use datamp_test_postgres::Cluster;
use sqlx::{AnyConnection, Connection as _, Row as _};

use crate::case::Database;

/// A new database.
pub struct Storage {
    postgresql: Option<String>,
}

impl Storage {
    pub(crate) fn new(database: Database) -> Self {
        let postgresql = match database {
            Database::Sqlite => None,
            Database::Postgresql => Some(Cluster::shared().database()),
        };
        Self { postgresql }
    }

    /// What the host is given for it; nothing for the embedded one.
    pub(crate) fn url(&self) -> Option<&str> {
        self.postgresql.as_deref()
    }

    /// The one number that a statement answers. `data` is the host's data folder.
    pub async fn number(&self, data: &Path, statement: &'static str) -> i64 {
        sqlx::any::install_default_drivers();
        let url = self
            .url()
            .map_or_else(|| format!("sqlite://{}?mode=ro", data.join("datamp.sqlite").display()), str::to_owned);
        let mut connection = AnyConnection::connect(&url).await.unwrap();
        if self.postgresql.is_some() {
            // Each set of migrations has a schema of its own.
            sqlx::query("SET search_path = models").execute(&mut connection).await.unwrap();
        }
        let row = sqlx::query(statement).fetch_one(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        row.try_get(0).unwrap()
    }
}
