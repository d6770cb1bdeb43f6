//! The SQLite file: how it is made, and how every connection to it is opened.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use libsqlite3_sys as ffi;
use sqlx::{
    ConnectOptions as _, Connection as _,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use tokio::time::{Instant, sleep};

/// How long whoever finds the file busy waits for it.
const BUSY: Duration = Duration::from_secs(10);

/// How long it is until the file's maker tries again.
const PAUSE: Duration = Duration::from_millis(10);

/// The path in a URL `sqlite:PATH` or `sqlite://PATH`, with `%` escapes.
pub(crate) fn path_of(url: &str) -> Option<PathBuf> {
    let rest = url.strip_prefix("sqlite:")?;
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let path = rest.split_once('?').map_or(rest, |(path, _)| path);
    (!path.is_empty() && path != ":memory:").then(|| PathBuf::from(unescape(path)))
}

/// The URL of a path, as sqlx reads it.
pub(super) fn url_of(path: &Path) -> String {
    use std::fmt::Write as _;
    let mut url = String::from("sqlite://");
    for byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-".contains(byte) {
            url.push(char::from(*byte));
        } else {
            // Writing to a String does not fail.
            let _ = write!(url, "%{byte:02X}");
        }
    }
    url
}

fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escaped = (byte == b'%')
            .then(|| after.get(..2).and_then(|digits| hex::decode(digits).ok()))
            .flatten()
            .and_then(|decoded| decoded.first().copied());
        match escaped {
            Some(decoded) => {
                bytes.push(decoded);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// How every connection to the file is opened.
///
/// Commits are on disk when they are answered: `synchronous=FULL`, as under WAL anything less may lose the last ones when the
/// power fails.
pub(crate) fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY)
        // In KiB, below zero: each connection's own cache of pages.
        .pragma("cache_size", "-8192")
        .statement_cache_capacity(256)
        .row_buffer_size(32)
        .disable_statement_logging()
}

/// Makes the file where there is none, readable by its owner alone, and sets it to write-ahead logging, which it keeps.
pub(super) async fn create(path: &Path) -> Result<(), sqlx::Error> {
    create_private(path)?;
    let options = options(path).journal_mode(SqliteJournalMode::Wal);
    let until = Instant::now() + BUSY;
    // SQLite reads first, and then wants to write: for that it waits for nobody, and another host may be making the same file.
    let connection = loop {
        match options.connect().await {
            Err(error) if is_busy(&error) && Instant::now() < until => sleep(PAUSE).await,
            connected => break connected?,
        }
    };
    connection.close().await
}

fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code()?.parse::<i32>().ok());
    // The lower byte is the primary code.
    code.is_some_and(|code| code & 0xff == ffi::SQLITE_BUSY)
}

/// SQLite gives its `-wal` and `-shm` files the permissions of the file itself.
fn create_private(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other.map(drop),
    }
}
