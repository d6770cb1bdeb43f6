//! `cargo xtask test`.

use std::{
    env, fs, io,
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{self, Child, Command, Stdio},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, anyhow};
use datamp_test_postgres::Cluster;

use crate::{
    build, repository, setup,
    shell::{cargo, heading, output, path_with, run as run_to_end},
};

/// Gibibytes that must be free in memory for the tests' own folders to be made there.
const PLENTY: u64 = 2;

/// Sets up what the tests need and runs them all, or those whose names hold one of the filters.
///
/// # Errors
/// When something can't be set up or built, or a test fails.
pub fn run(filters: &[String]) -> Result<()> {
    setup::system()?;
    setup::nextest()?;
    setup::cargo_component()?;
    setup::npm_packages(&repository().join("tests/browser"))?;
    setup::npm_packages(&repository().join("tests/webhooks"))?;
    setup::python_programs()?;
    build::components(true)?;
    build::host()?;

    if filters.is_empty() {
        heading("Running the examples of the documentation");
        run_to_end(cargo().args(["test", "--release", "--doc", "--workspace", "--exclude", "case-*"]))?;
    }

    heading("Starting PostgreSQL for the tests");
    let postgresql = Cluster::try_start().map_err(|error| anyhow!("{error}"))?;

    heading("Running the tests");
    let folder = Folder::make().context("the tests have no folder of their own")?;
    run_to_end(
        cargo()
            .env("TMPDIR", &folder.path)
            .env("PATH", path_with(&setup::tools().join("bin"))?)
            .env(datamp_test_postgres::VARIABLE, postgresql.url())
            .env("DATAMP_COMPONENTS", build::components_folder())
            .env("DATAMP_HOST_BIN", build::host_program())
            .args(["nextest", "run", "--release", "--workspace", "--exclude", "case-*"])
            .args(filters),
    )
}

/// Where the tests make their own folders.
struct Folder {
    path: PathBuf,
    /// Removes it at the end of this process, however that comes: what is left in memory would stay there.
    watchdog: Child,
}

impl Folder {
    /// In memory, where there is plenty of it: on a disk that is slow, each commit of an embedded database can take seconds.
    fn make() -> io::Result<Self> {
        let memory = Path::new("/dev/shm");
        let place = if is_fit(memory) { memory.to_path_buf() } else { env::temp_dir() };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().subsec_nanos();
        // Short, as sockets are made in it, whose paths are bounded.
        let path = place.join(format!("datamp-{:x}-{now:x}", process::id()));
        fs::create_dir(&path)?;
        // PostgreSQL's server passes through it as another user.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        let watchdog = Command::new("/bin/sh")
            .args(["-c", "cat >/dev/null; rm -rf \"$1\"", "sh"])
            .arg(&path)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            // An interrupt of the tests is not its own.
            .process_group(0)
            .spawn()?;
        Ok(Self { path, watchdog })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Closing its pipe is the watchdog's sign, as the death of this process would be.
        drop(self.watchdog.stdin.take());
        let _ = self.watchdog.wait();
    }
}

/// Whether a folder has plenty of space, and what is built there may run there.
fn is_fit(folder: &Path) -> bool {
    let free = output(Command::new("df").args(["--output=avail", "--block-size=1G"]).arg(folder));
    let free = free.ok().and_then(|table| table.lines().nth(1)?.trim().parse::<u64>().ok());
    let runs = output(Command::new("findmnt").args(["--noheadings", "--output=OPTIONS", "--target"]).arg(folder));
    let runs = runs.is_ok_and(|options| !options.trim().split(',').any(|option| option == "noexec"));
    free.is_some_and(|free| free >= PLENTY) && runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_the_tests_goes_with_all_that_they_left_in_it() {
        let folder = Folder::make().unwrap();
        let path = folder.path.clone();
        fs::create_dir(path.join("left")).unwrap();
        fs::write(path.join("left/file"), "").unwrap();
        drop(folder);
        assert!(!path.exists());
    }
}
