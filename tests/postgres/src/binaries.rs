//! Where PostgreSQL's binaries are.

use std::path::{Path, PathBuf};

use crate::StartError;

/// The folder with `initdb`, `postgres` and `psql`.
pub(crate) struct Binaries {
    folder: PathBuf,
}

impl Binaries {
    /// The newest that Debian installed, or those on the PATH.
    pub(crate) fn find() -> Result<Self, StartError> {
        let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let mut versions: Vec<(u32, PathBuf)> = debian
            .filter_map(|entry| {
                let version = entry.file_name().to_str()?.parse().ok()?;
                Some((version, entry.path().join("bin")))
            })
            .collect();
        versions.sort();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let candidates = versions.into_iter().rev().map(|(_, folder)| folder).chain(std::env::split_paths(&path));
        let complete = |folder: &PathBuf| ["initdb", "postgres", "psql"].iter().all(|name| folder.join(name).is_file());
        candidates.into_iter().find(complete).map(|folder| Self { folder }).ok_or_else(|| {
            StartError(
                "PostgreSQL's server binaries are missing: install them (Debian: apt-get install postgresql)"
                    .to_owned(),
            )
        })
    }

    pub(crate) fn initdb(&self) -> PathBuf {
        self.folder.join("initdb")
    }

    pub(crate) fn postgres(&self) -> PathBuf {
        self.folder.join("postgres")
    }

    pub(crate) fn psql(&self) -> PathBuf {
        self.folder.join("psql")
    }
}

/// The user and group that the server runs as: it refuses to be root.
pub(crate) fn server_user(mine: &Path) -> Result<Option<(u32, u32)>, StartError> {
    use std::os::unix::fs::MetadataExt as _;
    let own =
        std::fs::metadata(mine).map_err(|error| StartError(format!("{} can't be read: {error}", mine.display())))?;
    if own.uid() != 0 {
        return Ok(None);
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let postgres = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == "postgres").then_some(())?;
        let _password = fields.next()?;
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    });
    postgres.map(Some).ok_or_else(|| {
        StartError(
            "PostgreSQL refuses to run as root, and there is no user postgres: install the package that makes it"
                .to_owned(),
        )
    })
}
