//! SQLite: one file, many readers, one writer.
//!
//! A component's reading statements run on a few connections that SQLite itself holds to reading (`query_only`), its writing
//! ones on a single connection. Writers of all components in this process queue for the one writer's lock in order and without
//! occupying a thread; only against another process is the lock polled for. Every connection has a guard: see
//! [`authorizer`] and [`rights`].
//!
//! Where a foreign key is checked, SQLite asks for the right to read the parent's key; so a component that adds rows to a
//! child needs `select` on the parent here, and a cascade needs its rights on the child. PostgreSQL asks for neither.

mod authorizer;
mod connection;
mod errors;
mod migrations;
mod rights;
mod transaction;
mod value;

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use arc_swap::ArcSwap;
use sqlx::{ConnectOptions as _, Row as _, SqliteConnection};
use tokio::{sync::Semaphore, time::Instant};

pub(super) use self::transaction::SqliteTransaction;
use self::{
    connection::{SqliteConnector, run_execute, run_query},
    rights::{ComponentRights, KnownNames},
};
use super::{
    OpenError,
    pool::Pool,
    sql::{Access, Error, RowSet, Value},
    statement::Shape,
};
use crate::{manifest::DatabaseNeeds, store::sqlite::options};

/// Connections that read, at most, for one component. Each is a thread; beyond a few for each core they only take turns.
const MOST_READERS: usize = 16;

/// The database as the host uses it for components.
pub(super) struct SqliteDatabase {
    path: PathBuf,
    known: KnownNames,
    /// The one writer's place, of all components in this process.
    writer: Arc<Semaphore>,
}

impl SqliteDatabase {
    /// A database whose file is there already.
    pub(super) async fn new(path: &Path) -> Result<Self, sqlx::Error> {
        let database = Self {
            path: path.to_owned(),
            known: Arc::new(ArcSwap::from_pointee(HashSet::new())),
            writer: Arc::new(Semaphore::new(1)),
        };
        database.learn_names(&mut database.connect().await?).await?;
        Ok(database)
    }

    /// A connection of the host's own, without a guard.
    async fn connect(&self) -> Result<SqliteConnection, sqlx::Error> {
        options(&self.path).connect().await
    }

    /// Keeps the names of all that can be read from; answers the names of views.
    async fn learn_names(&self, connection: &mut SqliteConnection) -> Result<HashSet<String>, sqlx::Error> {
        let rows = sqlx::query(
            "SELECT lower(name), type FROM sqlite_master WHERE type IN ('table', 'view') \
             UNION ALL SELECT lower(name), 'module' FROM pragma_module_list",
        )
        .fetch_all(connection)
        .await?;
        let mut known = HashSet::new();
        let mut views = HashSet::new();
        for row in rows {
            let (name, kind): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            if kind == "view" {
                views.insert(name.clone());
            }
            known.insert(name);
        }
        self.known.store(Arc::new(known));
        Ok(views)
    }

    /// Waits for the writer's place.
    async fn writers_turn(&self) -> Option<tokio::sync::OwnedSemaphorePermit> {
        // It is never closed.
        Arc::clone(&self.writer).acquire_owned().await.ok()
    }

    /// A component's own connections.
    pub(super) async fn open(&self, needs: &DatabaseNeeds) -> Result<SqliteComponent, OpenError> {
        let views = self.learn_names(&mut self.connect().await?).await?;
        let known = self.known.load();
        if let Some(missing) = needs.tables.keys().find(|table| !known.contains(*table)) {
            return Err(OpenError::MissingTable(missing.clone()));
        }
        let rights = || ComponentRights::new(needs, &views, Arc::clone(&self.known));
        let readers = usize::try_from(needs.connections).unwrap_or(MOST_READERS).clamp(1, MOST_READERS);
        let component = SqliteComponent {
            readers: Pool::new(SqliteConnector::new(options(&self.path).pragma("query_only", "ON"), rights), readers),
            writing: Pool::new(SqliteConnector::new(options(&self.path), rights), 1),
            writer: Arc::clone(&self.writer),
        };
        // What can't be opened is better known now.
        drop(component.readers.lease().await.map_err(|error| OpenError::Refused(error.to_string()))?);
        Ok(component)
    }
}

/// One generation of a component on SQLite.
pub(super) struct SqliteComponent {
    readers: Pool<SqliteConnector>,
    writing: Pool<SqliteConnector>,
    writer: Arc<Semaphore>,
}

impl SqliteComponent {
    /// Runs one statement by itself and answers its rows.
    pub(super) async fn query(
        &self,
        shape: Shape,
        statement: String,
        parameters: Vec<Value>,
        deadline: Instant,
    ) -> Result<RowSet, Error> {
        let arguments = value::arguments(parameters)?;
        let _turn = self.turn(shape).await?;
        let mut lease = self.pool(shape).lease().await?;
        lease.unsettle();
        lease.guard.set_deadline(deadline.into_std());
        let answer = run_query(&mut lease, statement, arguments).await;
        // What does not end by itself, or was cut short, leaves a connection that still works on it.
        if !matches!(answer, Err(Error::TooLarge | Error::UnsupportedType(_) | Error::Unavailable(_))) {
            lease.settle();
        }
        answer
    }

    /// Runs one statement by itself and answers how many rows it changed.
    pub(super) async fn execute(
        &self,
        shape: Shape,
        statement: String,
        parameters: Vec<Value>,
        deadline: Instant,
    ) -> Result<u64, Error> {
        let arguments = value::arguments(parameters)?;
        let _turn = self.turn(shape).await?;
        let mut lease = self.pool(shape).lease().await?;
        lease.unsettle();
        lease.guard.set_deadline(deadline.into_std());
        let changed = run_execute(&mut lease, statement, arguments).await;
        if !matches!(changed, Err(Error::Unavailable(_))) {
            lease.settle();
        }
        changed.map(|changed| if shape.changes_rows { changed } else { 0 })
    }

    /// Begins a transaction.
    pub(super) async fn begin(&self, access: Access, deadline: Instant) -> Result<SqliteTransaction, Error> {
        match access {
            Access::ReadOnly => SqliteTransaction::begin(&self.readers, None, deadline).await,
            Access::ReadWrite => {
                let turn = self.writers_turn().await?;
                SqliteTransaction::begin(&self.writing, Some(turn), deadline).await
            }
        }
    }

    const fn pool(&self, shape: Shape) -> &Pool<SqliteConnector> {
        if shape.changes_rows { &self.writing } else { &self.readers }
    }

    async fn turn(&self, shape: Shape) -> Result<Option<tokio::sync::OwnedSemaphorePermit>, Error> {
        if shape.changes_rows { self.writers_turn().await.map(Some) } else { Ok(None) }
    }

    async fn writers_turn(&self) -> Result<tokio::sync::OwnedSemaphorePermit, Error> {
        let closed = |_| Error::Unavailable("the database is closed".to_owned());
        Arc::clone(&self.writer).acquire_owned().await.map_err(closed)
    }
}
