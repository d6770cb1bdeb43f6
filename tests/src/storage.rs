//! The database behind a host, and a way into it past the host: what it holds is read from itself.

use std::path::Path;

use datamp_test_postgres::Cluster;
use serde_json::Value;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Row as _};

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

    /// A way in, to read. `data` is the host's data folder.
    pub async fn reader(&self, data: &Path) -> Reader {
        Reader { connection: self.connect(data, "ro").await, is_postgresql: self.postgresql.is_some() }
    }

    /// The one number that a statement answers. `data` is the host's data folder.
    pub async fn number(&self, data: &Path, statement: &str) -> i64 {
        self.value(data, statement).await
    }

    /// The one text that a statement answers.
    pub async fn text(&self, data: &Path, statement: &str) -> String {
        self.value(data, statement).await
    }

    async fn value<T>(&self, data: &Path, statement: &str) -> T
    where
        T: for<'r> sqlx::Decode<'r, sqlx::Any> + sqlx::Type<sqlx::Any>,
    {
        let mut connection = self.connect(data, "ro").await;
        let row = sqlx::query(AssertSqlSafe(statement)).fetch_one(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        row.try_get(0).unwrap()
    }

    /// Changes what no interface changes (the time of something, the standing of a shop), and answers how many rows it was.
    pub async fn change(&self, data: &Path, statement: &str, parameters: &[&str]) -> u64 {
        let mut connection = self.connect(data, "rw").await;
        let query = sqlx::query(AssertSqlSafe(statement));
        let bound = parameters.iter().fold(query, |query, text| query.bind((*text).to_owned()));
        let changed = bound.execute(&mut connection).await.unwrap_or_else(|e| panic!("{statement}: {e}"));
        let changed = changed.rows_affected();
        connection.close().await.unwrap();
        changed
    }

    /// Changes something in a transaction that stays open: what it locks is locked until it is committed.
    pub async fn uncommitted(&self, data: &Path, statement: &str, parameters: &[&str]) -> Uncommitted {
        let mut connection = self.connect(data, "rw").await;
        sqlx::query("BEGIN").execute(&mut connection).await.unwrap();
        let query = sqlx::query(AssertSqlSafe(statement));
        let bound = parameters.iter().fold(query, |query, text| query.bind((*text).to_owned()));
        bound.execute(&mut connection).await.unwrap_or_else(|e| panic!("{statement}: {e}"));
        Uncommitted(connection)
    }

    async fn connect(&self, data: &Path, mode: &str) -> AnyConnection {
        sqlx::any::install_default_drivers();
        let url = self
            .url()
            .map_or_else(|| format!("sqlite://{}?mode={mode}", data.join("datamp.sqlite").display()), str::to_owned);
        let mut connection = AnyConnection::connect(&url).await.unwrap();
        if self.postgresql.is_some() {
            // Each set of migrations has a schema of its own.
            sqlx::query("SET search_path = models").execute(&mut connection).await.unwrap();
        } else {
            // The host may be held up in a transaction for a while.
            sqlx::query("PRAGMA busy_timeout = 60000").execute(&mut connection).await.unwrap();
        }
        connection
    }
}

/// A transaction that is open.
pub struct Uncommitted(AnyConnection);

impl Uncommitted {
    /// Ends it.
    pub async fn commit(mut self) {
        sqlx::query("COMMIT").execute(&mut self.0).await.unwrap();
        self.0.close().await.unwrap();
    }
}

/// A connection to the tables of the services. What one statement reads is of one moment.
pub struct Reader {
    connection: AnyConnection,
    is_postgresql: bool,
}

impl Reader {
    /// The one number that a statement answers.
    pub async fn number(&mut self, statement: &'static str) -> i64 {
        sqlx::query(statement).fetch_one(&mut self.connection).await.unwrap().try_get(0).unwrap()
    }

    /// The names of a table's columns.
    pub async fn columns(&mut self, table: &str) -> Vec<String> {
        let statement = if self.is_postgresql {
            "SELECT CAST(column_name AS TEXT) FROM information_schema.columns \
             WHERE table_schema = 'models' AND table_name = $1 ORDER BY ordinal_position"
        } else {
            "SELECT name FROM pragma_table_info($1) ORDER BY cid"
        };
        let rows = sqlx::query(statement).bind(table.to_owned()).fetch_all(&mut self.connection).await.unwrap();
        let columns: Vec<String> = rows.iter().map(|row| row.try_get(0).unwrap()).collect();
        assert!(!columns.is_empty(), "there is no table {table}");
        columns
    }

    /// The rows of a table or of a query in parentheses, each a JSON object of these columns, in the order of the first one.
    pub async fn rows(&mut self, of: &str, columns: &[impl AsRef<str>]) -> Vec<Value> {
        let object = if self.is_postgresql { "json_build_object" } else { "json_object" };
        let members: Vec<String> = columns.iter().map(|name| format!("'{0}', r.{0}", name.as_ref())).collect();
        let first = columns[0].as_ref();
        let statement =
            format!("SELECT CAST({object}({}) AS TEXT) FROM {of} AS r ORDER BY r.{first}", members.join(", "));
        let rows = sqlx::query(AssertSqlSafe(statement)).fetch_all(&mut self.connection).await.unwrap();
        rows.iter().map(|row| serde_json::from_str(row.try_get(0).unwrap()).unwrap()).collect()
    }

    /// Ends the connection.
    pub async fn close(self) {
        self.connection.close().await.unwrap();
    }
}
