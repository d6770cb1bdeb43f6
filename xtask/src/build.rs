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

/// The components that make up DataMP. In which order they are started is found out by what each imports.
pub const COMPONENTS: [&str; 4] = ["core", "communication", "gate", "admin"];

/// The extensions that are started with them: core needs a payment provider.
pub const EXTENSIONS: [&str; 1] = ["sandbox-payments"];

/// The [`COMPONENTS`] and the [`EXTENSIONS`].
pub fn all() -> impl Iterator<Item = &'static str> {
    EXTENSIONS.into_iter().chain(COMPONENTS)
}

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

/// The file of one of the [`COMPONENTS`] or [`EXTENSIONS`].
#[must_use]
pub fn component_file(name: &str) -> PathBuf {
    components_folder().join(format!("datamp_{}.wasm", name.replace('-', "_")))
}

/// Builds the four components and the extensions, and those of the tests where `cases` says so.
///
/// # Errors
/// When the target can't be installed, or the build fails.
pub fn components(cases: bool) -> Result<()> {
    setup::wasm_target()?;
    heading("Building the components");
    guests_of(all().map(|name| format!("datamp-{name}")))?;
    if cases {
        heading("Building the components of the tests");
        // By a command of their own: selected together with those, these would be built with other features than by `up`.
        guests_of(case_crates()?)?;
    }
    Ok(())
}

fn guests_of(packages: impl IntoIterator<Item = String>) -> Result<()> {
    let mut command = cargo();
    command.args(["build", "--target", TARGET, "--profile", "component", "--target-dir"]).arg(guests());
    for package in packages {
        command.args(["--package", &package]);
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
