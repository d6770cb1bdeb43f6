//! The host's own tables, `host_*`, in SQLite or in PostgreSQL, whichever the host was given.
//!
//! On PostgreSQL they are in a schema of their own, [`POSTGRES_SCHEMA`], that no component's role may use. SQL here is the
//! dialect that both share: `$1` parameters, TEXT, BIGINT, BLOB (on PostgreSQL it becomes BYTEA), and BIGINT 0 or 1 for a
//! boolean, as `sqlx::Any` can't read SQLite's BOOLEAN.

mod migrations;
pub(crate) mod sqlite;

use std::{path::Path, time::Duration};

use sqlx::{Any, AnyPool, Transaction, any::AnyPoolOptions};

/// The schema of the host's own tables on PostgreSQL.
pub const POSTGRES_SCHEMA: &str = "datamp";

/// Connections of the host's own.
const CONNECTIONS: u32 = 4;

/// How long the host waits for one of them.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// Which database the host was given.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StoreDialect {
    /// A SQLite file.
    Sqlite,
    /// A PostgreSQL database.
    Postgresql,
}

/// The host's own tables.
#[derive(Clone, Debug)]
pub struct Store {
    pool: AnyPool,
    dialect: StoreDialect,
}

/// Why the host's own tables can't be had.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The URL is of neither kind.
    #[error("{0:?} is no database URL: write sqlite:PATH or postgres://USER@HOST/DATABASE")]
    UnknownUrl(String),
    /// The file can't be opened or made.
    #[error("the database file {path} can't be opened: {problem}")]
    File {
        /// Its path.
        path: String,
        /// What the system said.
        problem: sqlx::Error,
    },
    /// The server can't be reached, or refuses.
    #[error("the database can't be reached: {0}")]
    Unreachable(sqlx::Error),
    /// A newer host was here.
    #[error(
        "the host's tables are of a newer version (migration {0} is not known to this one): start the newer version"
    )]
    Newer(i64),
    /// A migration that was applied is not the one that this host has.
    #[error("the host's migration {0} differs from the one that was applied to this database")]
    Differs(i64),
    /// A migration failed; nothing of it took effect.
    #[error("the host's migration {number} failed: {problem}")]
    Migration {
        /// Its number.
        number: i64,
        /// The database's words.
        problem: sqlx::Error,
    },
    /// The database's words.
    #[error("the host's tables can't be used: {0}")]
    Database(#[from] sqlx::Error),
}

impl Store {
    /// Opens `sqlite:PATH` (made where it is missing, readable by its owner alone) or `postgres://…`, and brings the host's
    /// tables up to date, under a lock.
    ///
    /// # Errors
    /// Says what can't be opened or brought up to date.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        if let Some(path) = sqlite::path_of(url) {
            Self::open_sqlite(&path).await
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Self::open_postgresql(url).await
        } else {
            Err(StoreError::UnknownUrl(without_password(url)))
        }
    }

    /// Opens a SQLite file, as [`open`](Self::open) does.
    ///
    /// # Errors
    /// Says what can't be opened or brought up to date.
    pub async fn open_sqlite(path: &Path) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let failed = |problem| StoreError::File { path: path.display().to_string(), problem };
        sqlite::create(path).await.map_err(failed)?;
        let pool = pool_options()
            .after_connect(|connection, _| {
                Box::pin(async move {
                    // What `sqlite::options` sets, as a URL can't say it.
                    let pragmas = "PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 10000";
                    sqlx::raw_sql(pragmas).execute(connection).await.map(drop)
                })
            })
            .connect(&sqlite::url_of(path))
            .await
            .map_err(failed)?;
        let store = Self { pool, dialect: StoreDialect::Sqlite };
        migrations::apply(&store).await?;
        Ok(store)
    }

    async fn open_postgresql(url: &str) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let separator = if url.contains('?') { '&' } else { '?' };
        let own = format!("{url}{separator}application_name=datamp&options%5Bsearch_path%5D={POSTGRES_SCHEMA}");
        let pool = pool_options().connect(&own).await.map_err(StoreError::Unreachable)?;
        let store = Self { pool, dialect: StoreDialect::Postgresql };
        migrations::apply(&store).await?;
        Ok(store)
    }

    /// The host's own connections. Only the host's tables are in reach of them by name.
    #[must_use]
    pub const fn pool(&self) -> &AnyPool {
        &self.pool
    }

    /// Which database it is.
    #[must_use]
    pub const fn dialect(&self) -> StoreDialect {
        self.dialect
    }

    /// Begins a transaction that may write: on SQLite with the writer's lock from the start, so that it can't fail for having
    /// read first.
    ///
    /// # Errors
    /// The database's words.
    pub async fn begin(&self) -> Result<Transaction<'static, Any>, sqlx::Error> {
        match self.dialect {
            StoreDialect::Sqlite => self.pool.begin_with("BEGIN IMMEDIATE").await,
            StoreDialect::Postgresql => self.pool.begin().await,
        }
    }

    /// Now, in microseconds since the Unix epoch.
    #[must_use]
    pub fn now_micros() -> i64 {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
    }
}

fn pool_options() -> AnyPoolOptions {
    AnyPoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(ACQUIRE_TIMEOUT)
}

/// A URL as it may be shown.
fn without_password(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if scheme + 3 < at => {
            let user = url.get(scheme + 3..at).unwrap_or("");
            let name = user.split_once(':').map_or(user, |(name, _)| name);
            format!("{}{name}{}", url.get(..scheme + 3).unwrap_or(""), url.get(at..).unwrap_or(""))
        }
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests;
