//! `cargo xtask bench`.

use anyhow::Result;

use crate::{
    build, setup,
    shell::{cargo, heading, run as run_to_end},
};

/// Builds everything and runs the benchmarks of `bench/`.
///
/// # Errors
/// When something can't be built, or the benchmarks fail.
pub fn run(arguments: &[String]) -> Result<()> {
    setup::postgresql()?;
    build::components(true)?;
    build::host()?;
    heading("Running the benchmarks");
    let mut command = cargo();
    command
        .env("DATAMP_COMPONENTS", build::components_folder())
        .env("DATAMP_HOST_BIN", build::host_program())
        .args(["run", "--release", "--package", "datamp-bench", "--"])
        .args(arguments);
    run_to_end(&mut command)
}
