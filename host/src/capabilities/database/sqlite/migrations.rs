//! Applying a set's migrations on SQLite: under an authorizer that denies every table that is there and is not the set's.

use std::{collections::HashSet, sync::Arc};

use libsqlite3_sys as ffi;
use parking_lot::Mutex;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, Row as _, SqliteConnection, Transaction};

use super::{
    SqliteDatabase,
    authorizer::{Action, Guard, Policy, install},
    rights::lower,
    views,
};
use crate::{
    capabilities::database::{
        migrations::{Migration, MigrationError, MigrationSet},
        sql::Dialect,
    },
    store::Store,
};

/// The tables of SQLite's that hold the schema. Only SQLite itself writes to them, for a `CREATE` or `DROP` that was allowed.
const SCHEMA_TABLES: &[&str] =
    &["sqlite_master", "sqlite_schema", "sqlite_sequence", "sqlite_temp_master", "sqlite_temp_schema"];

/// Where `ALTER TABLE` reads what it found out about rows that a new CHECK does not fit.
const QUICK_CHECK: &str = "pragma_quick_check";

/// What a set's SQL is held to.
pub(super) struct Bounds {
    /// Tables and views that are there and are not the set's, in lower case.
    pub(super) foreign: Arc<HashSet<String>>,
    /// Whether it is one of its views that is tried, and not a migration that runs.
    pub(super) view: bool,
}

/// What a migration may do. While there are no bounds, the host itself is at work and may do anything.
struct MigrationRights {
    bounds: Arc<Mutex<Option<Bounds>>>,
}

impl Policy for MigrationRights {
    fn judge(&self, action: &Action<'_>, _: &str) -> Result<(), String> {
        let bounds = self.bounds.lock();
        let Some(Bounds { foreign, view }) = bounds.as_ref() else { return Ok(()) };
        let (first, second) = (lower(action.first), lower(action.second));
        let own = |name: &str| {
            let inner = *view && (name.starts_with("sqlite_") || name.starts_with("pragma_"));
            if inner || foreign.contains(name) {
                Err(format!("the table {name:?}, which is not of this set"))
            } else {
                Ok(())
            }
        };
        let accesses =
            [ffi::SQLITE_READ, ffi::SQLITE_INSERT, ffi::SQLITE_UPDATE, ffi::SQLITE_DELETE].contains(&action.code);
        // SQLite itself, at work for a migration. To try a view, it has nothing to look up.
        let inside = (accesses && SCHEMA_TABLES.contains(&first.as_str()))
            || (action.code == ffi::SQLITE_READ && first == QUICK_CHECK);
        if inside && !view {
            return Ok(());
        }
        if action.database.is_some_and(|database| database != "main") && action.code != ffi::SQLITE_ALTER_TABLE {
            return Err("temporary or other databases".to_owned());
        }
        match action.code {
            _ if accesses => own(&first),
            ffi::SQLITE_CREATE_TABLE | ffi::SQLITE_DROP_TABLE | ffi::SQLITE_CREATE_VIEW | ffi::SQLITE_DROP_VIEW => {
                own(&first)
            }
            // Of an index or a trigger, the table is the second.
            ffi::SQLITE_CREATE_INDEX
            | ffi::SQLITE_DROP_INDEX
            | ffi::SQLITE_CREATE_TRIGGER
            | ffi::SQLITE_DROP_TRIGGER => own(&second),
            // The database, then the table.
            ffi::SQLITE_ALTER_TABLE => {
                if first == "main" {
                    own(&second)
                } else {
                    Err("temporary tables".to_owned())
                }
            }
            ffi::SQLITE_SELECT | ffi::SQLITE_RECURSIVE | ffi::SQLITE_REINDEX => Ok(()),
            ffi::SQLITE_FUNCTION if super::rights::computes(&second) => Ok(()),
            ffi::SQLITE_FUNCTION => Err(format!("the function {second}")),
            ffi::SQLITE_PRAGMA if first == "defer_foreign_keys" => Ok(()),
            // What ALTER TABLE itself looks at, where a new column has a CHECK.
            ffi::SQLITE_PRAGMA if first == "quick_check" => own(&second),
            ffi::SQLITE_PRAGMA => Err(format!("PRAGMA {first}")),
            ffi::SQLITE_TRANSACTION | ffi::SQLITE_SAVEPOINT => {
                Err("to begin or end a transaction: each migration is one already".to_owned())
            }
            ffi::SQLITE_ATTACH | ffi::SQLITE_DETACH => Err("other database files".to_owned()),
            _ => Err("a statement of this kind".to_owned()),
        }
    }
}

/// A connection's guard, and what it holds a set's SQL to.
pub(super) struct Watch {
    guard: Arc<Guard>,
    bounds: Arc<Mutex<Option<Bounds>>>,
}

impl Watch {
    async fn over(connection: &mut SqliteConnection) -> Result<Self, sqlx::Error> {
        let bounds = Arc::new(Mutex::new(None));
        let guard = Guard::new(MigrationRights { bounds: Arc::clone(&bounds) });
        install(connection, &guard).await?;
        Ok(Self { guard, bounds })
    }

    /// Runs SQL within bounds, or says what is wrong with it.
    pub(super) async fn run(
        &self,
        connection: &mut SqliteConnection,
        sql: String,
        bounds: Bounds,
    ) -> Result<(), String> {
        // What was denied before is forgotten.
        self.guard.expect(Arc::from(""));
        *self.bounds.lock() = Some(bounds);
        // Nothing is kept prepared: what is asked for a right once is asked for it again.
        let ran = connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await;
        *self.bounds.lock() = None;
        ran.map(drop).map_err(|error| match self.guard.take_denied() {
            Some(denied) => format!("it may not touch {denied}"),
            None => error.to_string(),
        })
    }
}

impl SqliteDatabase {
    /// Applies what is missing.
    pub(in super::super) async fn migrate(&self, set: &MigrationSet) -> Result<Vec<u32>, MigrationError> {
        let mut connection = self.connect().await?;
        let watch = Watch::over(&mut connection).await?;
        let mut numbers = Vec::new();
        for migration in set.migrations() {
            let _turn = self.writers_turn().await;
            // Under the writer's lock from the start: what another host did meanwhile is seen.
            let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
            if !is_missing(&mut transaction, set, migration).await? {
                continue;
            }
            let known = names(&mut transaction, set).await?;
            let foreign = Arc::new(known.foreign);
            let bounds = Bounds { foreign: Arc::clone(&foreign), view: false };
            let ran = watch.run(&mut transaction, migration.sql(Dialect::Sqlite).to_owned(), bounds).await;
            ran.map_err(|problem| set.failed(migration, problem))?;
            if let Some(problem) = views::problem(&mut transaction, &foreign, &watch).await? {
                return Err(set.failed(migration, problem));
            }
            claim(&mut transaction, set, migration, &known.all).await?;
            transaction.commit().await?;
            numbers.push(migration.number);
            // Before the next writer's turn: what it has prepared is out of date.
            self.learn(&mut connection).await?;
        }
        connection.close().await?;
        Ok(numbers)
    }
}

async fn is_missing(
    transaction: &mut Transaction<'_, sqlx::Sqlite>,
    set: &MigrationSet,
    migration: &Migration,
) -> Result<bool, MigrationError> {
    let applied = sqlx::query("SELECT checksum FROM host_migration WHERE set_name = $1 AND number = $2")
        .bind(set.name.as_str())
        .bind(i64::from(migration.number))
        .fetch_optional(&mut **transaction)
        .await?;
    match applied {
        None => Ok(true),
        Some(row) if row.try_get::<String, _>(0)? == migration.checksum(Dialect::Sqlite) => Ok(false),
        Some(_) => Err(set.differs(migration)),
    }
}

/// The names of tables and views, in lower case.
struct Names {
    all: HashSet<String>,
    /// Those that are not the set's.
    foreign: HashSet<String>,
}

async fn names(connection: &mut SqliteConnection, set: &MigrationSet) -> Result<Names, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT lower(m.name), t.set_name IS NOT NULL AND t.set_name = $1 FROM sqlite_master m \
         LEFT JOIN host_table t ON t.name = lower(m.name) WHERE m.type IN ('table', 'view')",
    )
    .bind(set.name.as_str())
    .fetch_all(connection)
    .await?;
    let mut names = Names { all: HashSet::new(), foreign: HashSet::new() };
    for row in rows {
        let (name, own): (String, bool) = (row.try_get(0)?, row.try_get(1)?);
        if !own {
            names.foreign.insert(name.clone());
        }
        names.all.insert(name);
    }
    Ok(names)
}

/// Notes down that a migration was applied, and whose the tables are that it made.
async fn claim(
    transaction: &mut Transaction<'_, sqlx::Sqlite>,
    set: &MigrationSet,
    migration: &Migration,
    before: &HashSet<String>,
) -> Result<(), MigrationError> {
    let after = names(transaction, set).await?;
    for made in after.all.difference(before) {
        // SQLite makes some for itself.
        if made.starts_with("sqlite_") {
            continue;
        }
        if made.starts_with("host_") {
            return Err(set.failed(migration, format!("the name {made:?} is the host's")));
        }
        sqlx::query("INSERT INTO host_table (name, set_name) VALUES ($1, $2)")
            .bind(made)
            .bind(set.name.as_str())
            .execute(&mut **transaction)
            .await?;
    }
    for gone in before.difference(&after.all) {
        sqlx::query("DELETE FROM host_table WHERE name = $1").bind(gone).execute(&mut **transaction).await?;
    }
    sqlx::query(
        "INSERT INTO host_migration (set_name, number, name, checksum, applied_at) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(set.name.as_str())
    .bind(i64::from(migration.number))
    .bind(&migration.name)
    .bind(migration.checksum(Dialect::Sqlite))
    .bind(Store::now_micros())
    .execute(&mut **transaction)
    .await?;
    Ok(())
}
