//! Building the components and the host.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use crate::{
    repository, setup,
    shell::{cargo, heading, run},
};

/// The components that make up DataMP, in the order in which they are started: one that others call comes first.
pub const COMPONENTS: [&str; 4] = ["core", "communication", "gate", "admin"];

/// What components are compiled for.
pub const TARGET: &str = "wasm32-wasip2";

/// Where guests are built, so that neither build waits for the other's lock or undoes its work.
#[must_use]
pub fn guests() -> PathBuf {
    repository().join("target/guests")
}

/// Where built components lie: `datamp_core.wasm`, `case_hello.wasm` ...
#[must_use]
pub fn components_folder() -> PathBuf {
    guests().join(TARGET).join("component")
}

/// The host's program.
#[must_use]
pub fn host_program() -> PathBuf {
    repository().join("target/release/datamp")
}

/// The file of one of the [`COMPONENTS`].
#[must_use]
pub fn component_file(name: &str) -> PathBuf {
    components_folder().join(format!("datamp_{name}.wasm"))
}

/// Builds the four components, and those of the tests where `cases` says so.
///
/// # Errors
/// When the target can't be installed, or the build fails.
pub fn components(cases: bool) -> Result<()> {
    setup::wasm_target()?;
    heading("Building the components");
    let mut command = cargo();
    command.args(["build", "--target", TARGET, "--profile", "component", "--target-dir"]).arg(guests());
    for name in COMPONENTS {
        command.args(["--package", &format!("datamp-{name}")]);
    }
    if cases {
        for name in case_crates()? {
            command.args(["--package", &name]);
        }
    }
    run(&mut command)
}

/// Builds the host.
///
/// # Errors
/// When the build fails.
pub fn host() -> Result<()> {
    heading("Building the host (the first time takes some minutes)");
    program("datamp")
}

/// Builds one program of the workspace.
///
/// # Errors
/// When the build fails.
pub fn program(name: &str) -> Result<()> {
    // The whole workspace is selected, as it is for the tests and the lints: with one package, shared crates would get other
    // features, and most of them be built twice.
    run(cargo().args(["build", "--release", "--workspace", "--exclude", "case-*", "--bin", name]))
}

/// The crates under `tests/components/`: `case-` and the folder's name.
///
/// # Errors
/// When the folder can't be read.
pub fn case_crates() -> Result<Vec<String>> {
    crates_in(&repository().join("tests/components"))
}

fn crates_in(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("can't read {}", folder.display()))? {
        let entry = entry?;
        if entry.path().join("Cargo.toml").is_file() {
            names.push(format!("case-{}", entry.file_name().to_string_lossy()));
        }
    }
    names.sort();
    Ok(names)
}
