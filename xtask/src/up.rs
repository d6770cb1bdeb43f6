//! `cargo xtask up`.

use std::{os::unix::process::CommandExt as _, process::Command};

use anyhow::{Result, anyhow};

use crate::{build, repository, shell::heading};

/// Builds everything and becomes `datamp up` with the four components, its data in `data/`.
///
/// # Errors
/// When something can't be built or started. On success it does not return.
pub fn run(arguments: &[String]) -> Result<()> {
    build::components(false)?;
    build::host()?;
    heading("Starting DataMP");
    let mut command = Command::new(build::host_program());
    command.current_dir(repository()).arg("up");
    // What is given by hand comes instead of ours, not after it.
    if !arguments.iter().any(|a| a == "--data" || a.starts_with("--data=")) {
        command.args(["--data", "data"]);
    }
    for name in build::COMPONENTS {
        command.arg("--component").arg(build::component_file(name));
    }
    command.arg("--grant").args(arguments);
    Err(anyhow!(command.exec()).context(format!("can't start {}", build::host_program().display())))
}
