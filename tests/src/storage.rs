//! The database behind a host, and a way into it past the host: what it holds is read from itself.

use std::path::Path;

use sqlx::{AnyConnection, Connection as _, Row as _};

use crate::case::Database;

/// A new database.
pub struct Storage {
    postgresql: Option<PostgresqlDatabase>,
}

impl Storage {
    pub(crate) async fn new(database: Database) -> Self {
        let postgresql = match database {
            Database::Sqlite => None,
            Database::Postgresql => Some(PostgresqlDatabase::create().await.unwrap()),
        };
        Self { postgresql }
    }

    /// What the host is given for it; nothing for the embedded one.
    pub(crate) fn url(&self) -> Option<&str> {
        self.postgresql.as_ref().map(PostgresqlDatabase::url)
    }

    /// The one number that a statement answers. `data` is the host's data folder.
    pub async fn number(&self, data: &Path, statement: &'static str) -> i64 {
        sqlx::any::install_default_drivers();
        let url =
            self.url().map_or_else(|| format!("sqlite://{}?mode=ro", data.join("datamp.db").display()), str::to_owned);
        let mut connection = AnyConnection::connect(&url).await.unwrap();
        let row = sqlx::query(statement).fetch_one(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        row.try_get(0).unwrap()
    }
}

struct PostgresqlDatabase;
impl PostgresqlDatabase {
    async fn create() -> anyhow::Result<Self> {
        anyhow::bail!("no PostgreSQL yet")
    }
    fn url(&self) -> &str {
        ""
    }
}
