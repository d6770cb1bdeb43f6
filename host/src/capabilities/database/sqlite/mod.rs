//! SQLite: one file, many readers, one writer.
//!
//! A component's reading statements are tried on the thread of the request ([`short_reads`]); those that are not short run on a
//! few connections that SQLite itself holds to reading (`query_only`), its writing ones on a single connection. Writers of all
//! components in this process queue for the one writer's lock in order and without occupying a thread; only against another
//! process is the lock polled for. Every connection has a guard: see [`authorizer`] and [`rights`].

mod authorizer;
mod connection;
mod errors;
mod migrations;
mod own;
mod rights;
mod short_reads;
mod transaction;
mod value;
mod views;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use arc_swap::ArcSwap;
use sqlx::{ConnectOptions as _, Row as _, SqliteConnection};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

pub(super) use self::transaction::SqliteTransaction;
use self::{
    connection::{SqliteConnector, run_execute, run_query},
    own::OwnStatements,
    rights::{ComponentRights, Schema, SharedSchema},
    short_reads::ShortReads,
};
use super::{
    HostCall, OpenError,
    pool::{Lease, Pool},
    sql::{Access, Error, RowSet, Value},
    statement::Shape,
};
use crate::{manifest::DatabaseNeeds, store::sqlite::options};

/// Connections that read, at most, for one component. Each is a thread; beyond a few for each core they only take turns.
const MOST_READERS: usize = 16;

/// The database as the host uses it for components.
pub(super) struct SqliteDatabase {
    path: PathBuf,
    schema: SharedSchema,
    /// The one writer's place, of all components in this process.
    writer: Arc<Semaphore>,
    own: Arc<OwnStatements>,
}

impl SqliteDatabase {
    /// A database whose file is there already.
    pub(super) async fn new(path: &Path) -> Result<Self, sqlx::Error> {
        let schema = Arc::new(ArcSwap::from_pointee(Schema::default()));
        let (writer, own) = (Arc::new(Semaphore::new(1)), OwnStatements::new());
        let database = Self { path: path.to_owned(), schema, writer, own };
        database.learn(&mut database.connect().await?).await?;
        Ok(database)
    }

    /// A connection of the host's own, without a guard.
    async fn connect(&self) -> Result<SqliteConnection, sqlx::Error> {
        options(&self.path).connect().await
    }

    /// Looks at the schema, for all connections.
    async fn learn(&self, connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        let version = sqlx::query("SELECT schema_version FROM pragma_schema_version")
            .fetch_one(&mut *connection)
            .await?
            .try_get(0)?;
        if self.schema.load().version == version {
            return Ok(());
        }
        let rows = sqlx::query(
            "SELECT lower(m.name), m.type, t.set_name FROM sqlite_master m \
             LEFT JOIN host_table t ON t.name = lower(m.name) WHERE m.type IN ('table', 'view') \
             UNION ALL SELECT lower(name), 'module', NULL FROM pragma_module_list",
        )
        .fetch_all(connection)
        .await?;
        let mut schema = Schema { version, ..Schema::default() };
        for row in rows {
            let (name, kind): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            if kind == "view" {
                schema.views.insert(name.clone());
            }
            // It changes only together with the schema, in one transaction.
            let owner: Option<String> = row.try_get(2)?;
            if let Some(owner) = owner {
                schema.owners.insert(name.clone(), owner);
            }
            schema.names.insert(name);
        }
        self.schema.store(Arc::new(schema));
        Ok(())
    }

    /// Waits for the writer's place.
    pub(super) async fn writers_turn(&self) -> Option<OwnedSemaphorePermit> {
        // It is never closed.
        Arc::clone(&self.writer).acquire_owned().await.ok()
    }

    /// A component's own connections.
    pub(super) async fn open(&self, needs: &DatabaseNeeds) -> Result<SqliteComponent, OpenError> {
        self.learn(&mut self.connect().await?).await?;
        let schema = self.schema.load();
        if let Some(missing) = needs.tables.keys().find(|table| !schema.names.contains(*table)) {
            return Err(OpenError::MissingTable(missing.clone()));
        }
        let component = self.connections(needs);
        // What can't be opened is better known now.
        drop(component.readers.lease().await.map_err(|error| OpenError::Refused(error.to_string()))?);
        Ok(component)
    }

    /// Connections that are not opened yet.
    pub(super) fn connections(&self, needs: &DatabaseNeeds) -> SqliteComponent {
        let rights = Arc::new(ComponentRights::new(needs, Arc::clone(&self.schema), Arc::clone(&self.own)));
        let connector =
            |options| SqliteConnector { options, rights: Arc::clone(&rights), schema: Arc::clone(&self.schema) };
        let readers = usize::try_from(needs.connections).unwrap_or(MOST_READERS).clamp(1, MOST_READERS);
        SqliteComponent {
            short: ShortReads::new(self.path.clone(), Arc::clone(&rights), Arc::clone(&self.schema)),
            readers: Pool::new(connector(options(&self.path).pragma("query_only", "ON")), readers),
            writing: Pool::new(connector(options(&self.path)), 1),
            writer: Arc::clone(&self.writer),
            own: Arc::clone(&self.own),
        }
    }
}

/// One generation of a component on SQLite.
pub(super) struct SqliteComponent {
    short: ShortReads,
    readers: Pool<SqliteConnector>,
    writing: Pool<SqliteConnector>,
    writer: Arc<Semaphore>,
    own: Arc<OwnStatements>,
}

impl SqliteComponent {
    /// Runs one statement by itself and answers its rows.
    pub(super) async fn query(
        &self,
        shape: Shape,
        statement: Arc<str>,
        parameters: Vec<Value>,
        deadline: Instant,
    ) -> Result<RowSet, Error> {
        if !shape.may_write
            && let Some(answer) = self.short.query(&statement, &parameters, deadline)
        {
            return Ok(answer);
        }
        let arguments = value::arguments(parameters)?;
        if shape.changes_rows {
            let (mut lease, _turn) = self.writer().await?;
            return run_query(&mut lease, statement, arguments, deadline).await;
        }
        let mut lease = self.readers.lease().await?;
        let again = (Arc::clone(&statement), arguments.clone());
        match run_query(&mut lease, statement, arguments, deadline).await {
            // Where the schema changes between the look at it and the first row, sqlx's thread gives up.
            Err(Error::Unavailable(_)) => {
                drop(lease);
                let mut lease = self.readers.lease().await?;
                run_query(&mut lease, again.0, again.1, deadline).await
            }
            answer => answer,
        }
    }

    /// Runs one statement by itself and answers how many rows it changed.
    pub(super) async fn execute(
        &self,
        shape: Shape,
        statement: Arc<str>,
        parameters: Vec<Value>,
        deadline: Instant,
    ) -> Result<u64, Error> {
        if !shape.changes_rows {
            return self.query(shape, statement, parameters, deadline).await.map(|_| 0);
        }
        let arguments = value::arguments(parameters)?;
        let (mut lease, _turn) = self.writer().await?;
        run_execute(&mut lease, statement, arguments, deadline).await
    }

    /// Writes on behalf of a component, by itself.
    pub(super) async fn call(&self, call: HostCall, parameters: Vec<Value>, deadline: Instant) -> Result<u64, Error> {
        let arguments = value::arguments(parameters)?;
        let (mut lease, _turn) = self.writer().await?;
        run_execute(&mut lease, self.own.text(call), arguments, deadline).await
    }

    /// Begins a transaction.
    pub(super) async fn begin(&self, access: Access, deadline: Instant) -> Result<SqliteTransaction, Error> {
        match access {
            Access::ReadOnly => SqliteTransaction::begin(self.readers.lease().await?, None, deadline, &self.own).await,
            Access::ReadWrite => {
                let (lease, turn) = self.writer().await?;
                SqliteTransaction::begin(lease, Some(turn), deadline, &self.own).await
            }
        }
    }

    /// How many more statements can be read at once.
    #[cfg(test)]
    pub(super) fn free_readers(&self) -> usize {
        self.readers.free()
    }

    /// The component's writing connection, and the writer's place. In this order: a component whose connection can't be had must
    /// not hold up the others; and it is one of them that waits for the place, however many of its requests want to write.
    async fn writer(&self) -> Result<(Lease<SqliteConnector>, OwnedSemaphorePermit), Error> {
        let mut lease = self.writing.lease().await?;
        let closed = |_| Error::Unavailable("the database is closed".to_owned());
        let turn = Arc::clone(&self.writer).acquire_owned().await.map_err(closed)?;
        // The one before may have been a migration.
        lease.renew_if_outdated().await?;
        Ok((lease, turn))
    }
}
