//! `datamp:database`: the host's SQL database, as each component may use it.
//!
//! The database itself keeps components apart. Every component has a small pool of connections of its own: on PostgreSQL they log
//! in as the component's own role, with GRANTs for what its manifest names; on SQLite each has an authorizer that denies
//! everything else. What a component does to a connection can hurt only itself, and is undone or the connection closed before its
//! next request.

mod answer;
mod component;
mod host;
mod host_call;
mod migrations;
mod pool;
mod postgres;
mod sqlite;
mod statement;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use sqlx::Row as _;
use tokio::{sync::OwnedSemaphorePermit, time::Instant};

pub use self::{
    component::{ComponentDatabase, OpenTransaction},
    host::{InstanceDatabase, Transaction, add_to_linker},
    host_call::{HostCall, now},
    migrations::{Migration, MigrationError, MigrationSet, MigrationSetError},
    postgres::RoleError,
};
use self::{
    host_call::of_component,
    postgres::PostgresDatabase,
    sqlite::{SqliteComponent, SqliteDatabase},
};
pub use crate::bindings::platform::datamp::database::sql;
use crate::{
    manifest::DatabaseNeeds,
    store::{self, Store, StoreError},
};

/// Where the database is.
#[derive(Clone, Debug)]
pub struct DatabaseSettings {
    /// `sqlite:PATH` or `postgres://USER@HOST/DATABASE`. Without one: SQLite, in `datamp.sqlite` in the data folder.
    pub url: Option<String>,
    /// The host's data folder.
    pub data_dir: PathBuf,
}

/// Why there is no database.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The host's own tables can't be had.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The server is not one that the host can keep components apart on.
    #[error(transparent)]
    Role(#[from] RoleError),
    /// The database's words.
    #[error("the database can't be used: {0}")]
    Database(#[from] sqlx::Error),
}

/// Why a component's share of the database can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A table that the manifest names is not there.
    #[error("the manifest names the table {0:?}, which does not exist: no migration made it")]
    MissingTable(String),
    /// The component's own login can't be made or used.
    #[error(transparent)]
    Role(#[from] RoleError),
    /// Its connection was refused.
    #[error("the component's own connection was refused: {0}")]
    Refused(String),
    /// The database's words.
    #[error("the component's share of the database can't be opened: {0}")]
    Database(#[from] sqlx::Error),
}

/// The database, as the host has it. Cheap to clone.
#[derive(Clone)]
pub struct Database(Arc<Inner>);

struct Inner {
    store: Store,
    kind: Kind,
}

enum Kind {
    Sqlite {
        database: SqliteDatabase,
        /// Connections for what the host writes on behalf of components outside of their transactions.
        own: SqliteComponent,
    },
    Postgresql(Box<PostgresDatabase>),
}

/// A transaction of the host's own. Dropped, it is rolled back.
pub struct OwnTransaction {
    transaction: sqlx::Transaction<'static, sqlx::Any>,
    _turn: Option<OwnedSemaphorePermit>,
}

impl OwnTransaction {
    /// What statements run on.
    pub fn connection(&mut self) -> &mut sqlx::AnyConnection {
        &mut self.transaction
    }

    /// Makes it last.
    ///
    /// # Errors
    /// The database's words.
    pub async fn commit(self) -> Result<(), sqlx::Error> {
        self.transaction.commit().await
    }
}

impl Database {
    /// Opens the database, making a SQLite file that is missing, and brings the host's own tables up to date.
    ///
    /// # Errors
    /// Says what is wrong, and for PostgreSQL what to do about it.
    pub async fn connect(settings: &DatabaseSettings) -> Result<Self, ConnectError> {
        let path = settings
            .url
            .as_deref()
            .map_or_else(|| Some(settings.data_dir.join("datamp.sqlite")), store::sqlite::path_of);
        let (store, kind) = match (path, &settings.url) {
            (Some(path), _) => {
                let store = Store::open_sqlite(&path).await?;
                let database = SqliteDatabase::new(&path).await?;
                let own = database.connections(&DatabaseNeeds { connections: 1, ..DatabaseNeeds::default() });
                (store, Kind::Sqlite { database, own })
            }
            (None, url) => {
                let url = url.as_deref().unwrap_or_default();
                let store = Store::open(url).await?;
                (store, Kind::Postgresql(Box::new(PostgresDatabase::new(url).await?)))
            }
        };
        Ok(Self(Arc::new(Inner { store, kind })))
    }

    /// Which SQL it speaks.
    #[must_use]
    pub fn dialect(&self) -> sql::Dialect {
        match self.0.kind {
            Kind::Sqlite { .. } => sql::Dialect::Sqlite,
            Kind::Postgresql(_) => sql::Dialect::Postgresql,
        }
    }

    /// The host's own tables, in the same database.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// Whether a set's migrations could be applied: the admission of a component asks. Changes nothing.
    ///
    /// # Errors
    /// `Differs` where another migration of the same number was applied.
    pub async fn check(&self, set: &MigrationSet) -> Result<(), MigrationError> {
        set.missing(self.dialect(), &self.applied(set).await?).map(drop)
    }

    /// Applies what is missing of a set, in order, and answers the numbers of what it applied. Others that do so at the same
    /// time, here or on another host, wait.
    ///
    /// # Errors
    /// What was applied before the error stays applied.
    pub async fn migrate(&self, set: &MigrationSet) -> Result<Vec<u32>, MigrationError> {
        if set.missing(self.dialect(), &self.applied(set).await?)?.is_empty() {
            return Ok(Vec::new());
        }
        sqlx::query("INSERT INTO host_migration_set (name, seen_at) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(set.name.as_str())
            .bind(Store::now_micros())
            .execute(self.0.store.pool())
            .await?;
        match &self.0.kind {
            Kind::Sqlite { database, .. } => database.migrate(set).await,
            Kind::Postgresql(database) => database.migrate(set).await,
        }
    }

    /// Writes on behalf of a component, outside of its transactions, and answers how many rows that changed.
    ///
    /// # Errors
    /// As the contract of `datamp:database` says; after `timeout` and `unavailable` the outcome is unknown.
    pub async fn call(
        &self,
        call: HostCall,
        component: &str,
        parameters: Vec<sql::Value>,
        deadline: Instant,
    ) -> Result<u64, sql::Error> {
        let work = async {
            match &self.0.kind {
                Kind::Sqlite { own, .. } => own.call(call, of_component(component, parameters), deadline).await,
                Kind::Postgresql(database) => database.call(call, component, parameters).await,
            }
        };
        tokio::time::timeout_at(deadline, work).await.unwrap_or(Err(sql::Error::Timeout))
    }

    /// A connection that hears of PostgreSQL's notifications; nothing on SQLite.
    ///
    /// # Errors
    /// The database's words.
    pub async fn listener(&self) -> Result<Option<sqlx::postgres::PgListener>, sqlx::Error> {
        match &self.0.kind {
            Kind::Sqlite { .. } => Ok(None),
            Kind::Postgresql(database) => database.listener().await.map(Some),
        }
    }

    /// Begins a transaction of the host's own on its tables. On SQLite it has waited for the one writer's place, as components do:
    /// to poll for the file's lock against them would be to lose.
    ///
    /// # Errors
    /// The database's words.
    pub async fn begin_own(&self) -> Result<OwnTransaction, sqlx::Error> {
        let turn = match &self.0.kind {
            Kind::Sqlite { database, .. } => database.writers_turn().await,
            Kind::Postgresql(_) => None,
        };
        Ok(OwnTransaction { transaction: self.0.store.begin().await?, _turn: turn })
    }

    async fn applied(&self, set: &MigrationSet) -> Result<BTreeMap<i64, String>, sqlx::Error> {
        let rows = sqlx::query("SELECT number, checksum FROM host_migration WHERE set_name = $1")
            .bind(set.name.as_str())
            .fetch_all(self.0.store.pool())
            .await?;
        rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
    }

    /// Opens a component's own connections, with the rights that its manifest names. What an older generation of it still
    /// has, it keeps until [`settle`](Self::settle): both run side by side during a swap. Called within a tokio runtime.
    ///
    /// # Errors
    /// Names a table that is missing, or says why the component can't log in.
    pub async fn open(&self, component: &str, needs: &DatabaseNeeds) -> Result<ComponentDatabase, OpenError> {
        Ok(match &self.0.kind {
            Kind::Sqlite { database, .. } => ComponentDatabase::on_sqlite(database.open(needs).await?),
            Kind::Postgresql(database) => ComponentDatabase::on_postgresql(database.open(component, needs).await?),
        })
    }

    /// Takes back what the active generation of a component does not name, once no older one runs on any host.
    ///
    /// # Errors
    /// The database's words: nothing was taken back then.
    pub async fn settle(&self, component: &str, needs: &DatabaseNeeds) -> Result<(), OpenError> {
        match &self.0.kind {
            // Rights on SQLite are those of a connection, and go with it.
            Kind::Sqlite { .. } => Ok(()),
            Kind::Postgresql(database) => database.settle(component, needs).await,
        }
    }
}

#[cfg(test)]
mod tests;
