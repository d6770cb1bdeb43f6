//! Running other programs.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};

/// Says what is being done now.
pub fn heading(text: &str) {
    eprintln!("\n== {text}");
}

/// A command of the cargo that runs this.
///
/// What `cargo run` sets for this program is taken out: a build script that reads it would be built again each time.
#[must_use]
pub fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let ours = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(ours) {
            command.env_remove(name);
        }
    }
    command.current_dir(crate::repository());
    command
}

/// Runs a command to its end, with its output on ours.
///
/// # Errors
/// When it can't be started, or does not succeed.
pub fn run(command: &mut Command) -> Result<()> {
    let line = shown(command);
    let status = command.stdin(Stdio::null()).status().with_context(|| format!("can't start `{line}`"))?;
    if !status.success() {
        bail!("`{line}` failed: {status}");
    }
    Ok(())
}

/// Runs a command to its end and answers what it wrote.
///
/// # Errors
/// When it can't be started, or does not succeed.
pub fn output(command: &mut Command) -> Result<String> {
    let line = shown(command);
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("can't start `{line}`"))?;
    if !output.status.success() {
        bail!("`{line}` failed: {}", output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Where a program is, if one of that name is on the `PATH`.
#[must_use]
pub fn find(program: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// The `PATH` with a folder before all others.
///
/// # Errors
/// When the folder's name can't be part of a `PATH`.
pub fn path_with(folder: &Path) -> Result<OsString> {
    let before = env::var_os("PATH").unwrap_or_default();
    Ok(env::join_paths([folder.to_path_buf()].into_iter().chain(env::split_paths(&before)))?)
}

fn shown(command: &Command) -> String {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
