//! One running server: its folder, its process, and the watchdog that ends both.

use std::{
    fs,
    os::unix::{
        fs::{PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use crate::{
    StartError,
    binaries::{Binaries, server_user},
};

/// How long a server may take to start.
const START: Duration = Duration::from_secs(60);

/// What both kinds of server have.
const COMMON: &str = "
listen_addresses = ''
max_connections = 400
";

/// Nothing waits for the disk, and nothing is kept.
const FLEETING: &str = "
fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
autovacuum = off
shared_buffers = 64MB
";

/// A commit is on the disk before it is answered, as it has to be where money is: the server's defaults, and memory for a small machine.
const DURABLE: &str = "
fsync = on
synchronous_commit = on
full_page_writes = on
autovacuum = on
shared_buffers = 512MB
max_wal_size = 4GB
";

/// Whether a server waits for the disk.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Durability {
    Fleeting,
    Durable,
}

/// `postgres` without a password, all others with theirs.
const LOGINS: &str = "local all postgres trust\nlocal all all scram-sha-256\n";

pub(crate) struct Server {
    folder: PathBuf,
    process: Child,
    watchdog: Child,
}

impl Server {
    pub(crate) fn start(binaries: &Binaries, durability: Durability) -> Result<Self, StartError> {
        let failed = |what: &str, error: std::io::Error| StartError(format!("the test server {what}: {error}"));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let folder = std::env::temp_dir().join(format!("datamp-pg-{}-{now:x}", std::process::id()));
        fs::create_dir(&folder).map_err(|error| failed("has no folder", error))?;
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755))
            .map_err(|error| failed("has no folder", error))?;
        let user = server_user(&folder)?;
        if let Some((uid, gid)) = user {
            chown(&folder, Some(uid), Some(gid)).map_err(|error| failed("can't own its folder", error))?;
        }
        let as_user = |mut command: Command| {
            if let Some((uid, gid)) = user {
                command.uid(uid).gid(gid);
            }
            command.current_dir(&folder).stdin(Stdio::null());
            command
        };
        let data = folder.join("data");

        let mut initdb = as_user(Command::new(binaries.initdb()));
        initdb.arg("-D").arg(&data).args(["-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync", "-A", "trust"]);
        let made = initdb.output().map_err(|error| failed("can't be set up", error))?;
        if !made.status.success() {
            return Err(StartError(format!("initdb failed: {}", String::from_utf8_lossy(&made.stderr).trim())));
        }
        let settings = match durability {
            Durability::Fleeting => FLEETING,
            Durability::Durable => DURABLE,
        };
        let settings = format!("{COMMON}{settings}unix_socket_directories = '{}'\n", folder.display());
        fs::write(data.join("postgresql.auto.conf"), settings).map_err(|error| failed("has no settings", error))?;
        fs::write(data.join("pg_hba.conf"), LOGINS).map_err(|error| failed("has no settings", error))?;

        let log = fs::File::create(folder.join("log")).map_err(|error| failed("has no log", error))?;
        let copy = log.try_clone().map_err(|error| failed("has no log", error))?;
        let mut postgres = as_user(Command::new(binaries.postgres()));
        // In a process group of its own: an interrupt of the tests' is not its own.
        postgres.arg("-D").arg(&data).process_group(0).stdout(log).stderr(copy);
        let process = postgres.spawn().map_err(|error| failed("can't be started", error))?;
        let watchdog = watchdog(process.id(), &folder).map_err(|error| failed("can't be watched", error))?;
        let mut server = Self { folder, process, watchdog };
        server.wait()?;
        Ok(server)
    }

    /// Waits until it says that it is ready.
    fn wait(&mut self) -> Result<(), StartError> {
        let until = Instant::now() + START;
        let status = self.folder.join("data/postmaster.pid");
        while Instant::now() < until {
            let text = fs::read_to_string(&status).unwrap_or_default();
            if text.lines().last().is_some_and(|line| line.trim() == "ready") {
                return Ok(());
            }
            if let Ok(Some(code)) = self.process.try_wait() {
                let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                return Err(StartError(format!("the test server ended at once ({code}): {}", log.trim())));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Err(StartError("the test server was not ready within a minute".to_owned()))
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@localhost/postgres?host={}", self.folder.display())
    }

    #[cfg(test)]
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Closing its pipe is the watchdog's sign, as the death of this process would be.
        drop(self.watchdog.stdin.take());
        // While nobody waits for the server it counts as alive, and the watchdog would wait for ever.
        let _ = self.process.wait();
        let _ = self.watchdog.wait();
    }
}

/// A shell that waits for the end of this process, then ends the server and removes its folder. It reads from a pipe that nothing
/// is ever written to: the pipe closes with the process, also where that is killed.
fn watchdog(server: u32, folder: &Path) -> std::io::Result<Child> {
    Command::new("/bin/sh")
        .args([
            "-c",
            // Where nobody reaps the dead (some containers), the server would seem alive for ever: 5 s are enough.
            "cat >/dev/null; kill -QUIT \"$1\"; n=0; \
             while kill -0 \"$1\" 2>/dev/null && [ $n -lt 100 ]; do sleep 0.05; n=$((n + 1)); done; rm -rf \"$2\"",
            "sh",
        ])
        .arg(server.to_string())
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
}
