//! A throw-away PostgreSQL server for tests, started from the system's own binaries.
//!
//! ```no_run
//! let url = datamp_test_postgres::Cluster::shared().database();
//! ```
//!
//! It listens on a Unix socket in a folder of its own, does not wait for the disk, and ends with the process that started it,
//! however that ends. The user `postgres` logs in without a password, and every other role with its own, so that what a test
//! says of logins holds elsewhere.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod binaries;
mod server;

use std::{
    fmt,
    path::PathBuf,
    process::Command,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use self::{
    binaries::Binaries,
    server::{Durability, Server},
};

/// The environment variable with the URL of a running server, whose user may make databases and roles:
/// `postgres://USER@HOST/postgres`. `cargo xtask test` sets it to a server that all tests share.
pub const VARIABLE: &str = "DATAMP_TEST_POSTGRES";

/// Why there is no server for tests: one line, with what to do about it.
pub struct StartError(String);

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// As a test that unwraps shows it.
impl fmt::Debug for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StartError {}

/// A server, and databases on it. One that was started here ends when this is dropped.
pub struct Cluster {
    url: String,
    psql: PathBuf,
    made: AtomicU32,
    _server: Option<Server>,
}

impl Cluster {
    /// Starts a server of its own.
    ///
    /// # Panics
    /// With one line, where there are no server binaries or they don't start: a test must not be skipped for that.
    #[must_use]
    pub fn start() -> Self {
        or_panic(Self::try_start())
    }

    /// Starts a server of its own.
    ///
    /// # Errors
    /// In one line, what to install or what went wrong.
    pub fn try_start() -> Result<Self, StartError> {
        Self::of(Durability::Fleeting)
    }

    /// Starts a server of its own on which a commit waits for the disk, as in production: what writing costs is measured on it.
    ///
    /// # Errors
    /// In one line, what to install or what went wrong.
    pub fn try_start_durable() -> Result<Self, StartError> {
        Self::of(Durability::Durable)
    }

    fn of(durability: Durability) -> Result<Self, StartError> {
        let binaries = Binaries::find()?;
        let server = Server::start(&binaries, durability)?;
        Ok(Self { url: server.url(), psql: binaries.psql(), made: AtomicU32::new(0), _server: Some(server) })
    }

    /// The server of this process: the one that [`VARIABLE`] names, or one that the first call starts.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    #[must_use]
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(|| match std::env::var(VARIABLE) {
            Ok(url) if !url.is_empty() => {
                let psql = or_panic(Binaries::find()).psql();
                Self { url, psql, made: AtomicU32::new(0), _server: None }
            }
            _ => Self::start(),
        })
    }

    /// The URL of its database `postgres`, as a superuser; what [`VARIABLE`] is set to.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Makes an empty database, and answers its URL, as a superuser. It stays until the server ends.
    ///
    /// # Panics
    /// With the server's words, where it can't be made.
    #[must_use]
    pub fn database(&self) -> String {
        // Unique among processes that share a server.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let name = format!("t{:x}_{:x}_{number}", std::process::id(), now.subsec_nanos());
        self.run(&format!("CREATE DATABASE {name}"));
        self.url_of(&name)
    }

    /// The URL of a database of that name, as a superuser.
    #[must_use]
    pub fn url_of(&self, database: &str) -> String {
        let (before, query) = self.url.split_once('?').map_or((self.url.as_str(), None), |(b, q)| (b, Some(q)));
        let host = before.rsplit_once('/').map_or(before, |(host, _)| host);
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        format!("{host}/{database}{query}")
    }

    /// Runs SQL in the database `postgres`, as a superuser.
    ///
    /// # Panics
    /// With the server's words, where it fails.
    pub fn run(&self, sql: &str) {
        or_panic(self.try_run(sql));
    }

    fn try_run(&self, sql: &str) -> Result<(), StartError> {
        let failed = |why: String| StartError(format!("{sql} on the test server failed: {why}"));
        let output = Command::new(&self.psql)
            .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", &self.url, "-c", sql])
            .output()
            .map_err(|error| failed(error.to_string()))?;
        if output.status.success() {
            Ok(())
        } else {
            Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
        }
    }
}

#[allow(clippy::panic, reason = "only tests use this crate, and they must fail")]
#[track_caller]
fn or_panic<T>(result: Result<T, StartError>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{error}"),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        path::Path,
        time::{Duration, Instant},
    };

    use super::*;

    fn gone(path: &Path) -> bool {
        let until = Instant::now() + Duration::from_secs(10);
        while path.exists() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
        }
        !path.exists()
    }

    #[test]
    fn databases_are_apart_and_the_server_ends_with_its_cluster() {
        let cluster = Cluster::try_start().unwrap();
        let folder = cluster._server.as_ref().unwrap().folder().to_owned();
        let (one, other) = (cluster.database(), cluster.database());
        assert_ne!(one, other);
        let on = |url: &str, sql: &str| {
            Command::new(&cluster.psql)
                .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql])
                .output()
                .unwrap()
                .status
        };
        assert!(on(&one, "CREATE TABLE t (a INT)").success());
        assert!(!on(&other, "SELECT * FROM t").success());
        assert!(folder.exists());
        drop(cluster);
        assert!(gone(&folder), "the server's folder is still there");
    }

    #[test]
    fn a_database_takes_the_place_of_the_one_in_the_url() {
        let cluster =
            |url: &str| Cluster { url: url.to_owned(), psql: PathBuf::new(), made: AtomicU32::new(0), _server: None };
        assert_eq!(cluster("postgres://u:p@h:1/postgres").url_of("a"), "postgres://u:p@h:1/a");
        assert_eq!(cluster("postgres://u@h/postgres?host=/a/b").url_of("a"), "postgres://u@h/a?host=/a/b");
    }
}
