//! `cargo xtask lint`.

use anyhow::Result;

use crate::{
    build, setup,
    shell::{cargo, heading, run as run_to_end},
};

/// Checks formatting, and lints the host's side natively and the components for their own target. A warning is an error.
///
/// # Errors
/// When anything is found.
pub fn run() -> Result<()> {
    setup::wasm_target()?;
    heading("Checking the format");
    run_to_end(cargo().args(["fmt", "--all", "--check"]))?;

    heading("Linting natively");
    let mut command = cargo();
    command.args(["clippy", "--release", "--workspace", "--all-targets", "--exclude", "case-*"]);
    run_to_end(command.args(["--", "--deny", "warnings"]))?;

    heading("Linting the components");
    let mut command = cargo();
    command.args(["clippy", "--target", build::TARGET, "--profile", "component", "--target-dir"]);
    command.arg(build::guests());
    for name in build::all().map(|name| format!("datamp-{name}")).chain(build::case_crates()?) {
        command.args(["--package", &name]);
    }
    run_to_end(command.args(["--", "--deny", "warnings"]))
}
