//! What the tests share: a database of either kind, with tables, and components on it.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    capabilities::database::{
        ComponentDatabase, Database, DatabaseSettings, MigrationError, MigrationSet, OpenError, OpenTransaction,
        sql::{Dialect, Error, RowSet, Value},
    },
    manifest::{DatabaseNeeds, TableRight},
    rounds::Rounds,
};

/// The tables that most tests use.
pub(super) const TABLES_OF_MODELS: &str = "
    CREATE TABLE item (id TEXT PRIMARY KEY, name TEXT NOT NULL, level BIGINT NOT NULL DEFAULT 0,
        active BOOLEAN NOT NULL DEFAULT TRUE, CONSTRAINT item_name UNIQUE (name), CONSTRAINT not_negative CHECK (level >= 0));
    CREATE TABLE transfer (id TEXT PRIMARY KEY, item_id TEXT NOT NULL CONSTRAINT of_item REFERENCES item (id), amount BIGINT NOT NULL);
    CREATE TABLE secret (id TEXT PRIMARY KEY, word TEXT);
    CREATE VIEW item_name_list AS SELECT id, name FROM item;
    CREATE VIEW word_list AS SELECT word FROM secret;
    INSERT INTO item (id, name, level) VALUES ('1', 'one', 10), ('2', 'two', 20);
    INSERT INTO secret (id, word) VALUES ('1', 'sesame');
";

/// A database.
pub(super) struct World {
    pub(super) database: Database,
    pub(super) settings: DatabaseSettings,
    _folder: tempfile::TempDir,
}

impl World {
    pub(super) async fn sqlite() -> Self {
        Self::at(None).await
    }

    pub(super) async fn postgresql() -> Self {
        Self::at(Some(datamp_test_postgres::Cluster::shared().database())).await
    }

    pub(super) async fn at(url: Option<String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = DatabaseSettings { url, data_dir: folder.path().to_owned() };
        let database = Database::connect(&settings).await.unwrap();
        Self { database, settings, _folder: folder }
    }

    /// Another host on the same database.
    pub(super) async fn another_host(&self) -> Database {
        Database::connect(&self.settings).await.unwrap()
    }

    pub(super) fn is_sqlite(&self) -> bool {
        self.database.dialect() == Dialect::Sqlite
    }

    /// Makes the tables of [`TABLES`].
    pub(super) async fn with_tables(self) -> Self {
        self.migrate("models", &[TABLES_OF_MODELS]).await.unwrap();
        self
    }

    /// Applies a set whose migrations have the same SQL on both databases.
    pub(super) async fn migrate(&self, name: &str, migrations: &[&str]) -> Result<Vec<u32>, MigrationError> {
        self.database.migrate(&set(name, migrations)).await
    }

    /// A component that may do what `tables` says: `[("item", "select insert")]`.
    pub(super) async fn component(&self, name: &str, tables: &[(&str, &str)]) -> ComponentDatabase {
        self.try_component(name, tables).await.unwrap()
    }

    pub(super) async fn try_component(
        &self,
        name: &str,
        tables: &[(&str, &str)],
    ) -> Result<ComponentDatabase, OpenError> {
        self.database.open(name, &needs(tables)).await
    }

    /// Runs SQL as the host itself, past all rights.
    pub(super) async fn as_host(&self, sql: &str) {
        let sql = if self.is_sqlite() {
            sql.to_owned()
        } else {
            format!("SET search_path = models, datamp; {sql}; RESET search_path")
        };
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(self.database.store().pool()).await.unwrap();
    }

    /// Waits until PostgreSQL has so many processes for this database of which a condition is true.
    pub(super) async fn until_processes(&self, count: i64, condition: &str) {
        let sql = format!(
            "SELECT CAST(count(*) AS BIGINT) FROM pg_stat_activity WHERE datname = current_database() AND {condition}"
        );
        let rounds = Rounds::begin();
        loop {
            let counted = sqlx::query_scalar(sqlx::AssertSqlSafe(sql.clone()));
            let there: i64 = counted.fetch_one(self.database.store().pool()).await.unwrap();
            if rounds.done(there == count, (condition, there)) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

pub(super) fn set(name: &str, migrations: &[&str]) -> MigrationSet {
    let migrations: Vec<_> = (1..)
        .zip(migrations)
        .map(|(number, sql)| serde_json::json!({"number": number, "name": format!("m{number}"), "sqlite": sql, "postgresql": sql}))
        .collect();
    MigrationSet::parse(serde_json::json!({"set": name, "migrations": migrations}).to_string().as_bytes()).unwrap()
}

pub(super) fn needs(tables: &[(&str, &str)]) -> DatabaseNeeds {
    let right = |word: &str| match word {
        "select" => TableRight::Select,
        "insert" => TableRight::Insert,
        "update" => TableRight::Update,
        "delete" => TableRight::Delete,
        other => panic!("{other} is no right"),
    };
    let tables =
        tables.iter().map(|(table, rights)| ((*table).to_owned(), rights.split_whitespace().map(right).collect()));
    DatabaseNeeds { connections: 4, migrations: None, tables: tables.collect() }
}

pub(super) fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

/// Shorter ways to run a statement.
pub(super) trait Run {
    async fn rows(&mut self, statement: &str, parameters: Vec<Value>) -> Result<RowSet, Error>;
    async fn changes(&mut self, statement: &str, parameters: Vec<Value>) -> Result<u64, Error>;

    /// The one value of the one row.
    async fn value(&mut self, statement: &str) -> Value {
        let mut answer = self.rows(statement, Vec::new()).await.unwrap();
        assert!(answer.rows.len() == 1 && answer.rows[0].len() == 1, "{statement}: {answer:?}");
        answer.rows.remove(0).remove(0)
    }

    async fn integer(&mut self, statement: &str) -> i64 {
        match self.value(statement).await {
            Value::Integer(number) => number,
            other => panic!("{statement}: {other:?}"),
        }
    }
}

impl Run for ComponentDatabase {
    async fn rows(&mut self, statement: &str, parameters: Vec<Value>) -> Result<RowSet, Error> {
        self.query(statement.to_owned(), parameters, soon()).await
    }

    async fn changes(&mut self, statement: &str, parameters: Vec<Value>) -> Result<u64, Error> {
        self.execute(statement.to_owned(), parameters, soon()).await
    }
}

impl Run for OpenTransaction {
    async fn rows(&mut self, statement: &str, parameters: Vec<Value>) -> Result<RowSet, Error> {
        self.query(statement.to_owned(), parameters).await
    }

    async fn changes(&mut self, statement: &str, parameters: Vec<Value>) -> Result<u64, Error> {
        self.execute(statement.to_owned(), parameters).await
    }
}

/// A text.
pub(super) fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// Whether two values are the same, to the last bit of a number.
pub(super) fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Null, Value::Null) => true,
        (Value::Boolean(a), Value::Boolean(b)) => a == b,
        (Value::Integer(a), Value::Integer(b)) => a == b,
        (Value::Real(a), Value::Real(b)) => a.to_bits() == b.to_bits(),
        (Value::Text(a), Value::Text(b)) => a == b,
        (Value::Blob(a), Value::Blob(b)) => a == b,
        _ => false,
    }
}
