//! `cargo xtask bench`.

use std::process::Command;

use anyhow::Result;

use crate::{
    build, repository, setup,
    shell::{heading, run as run_to_end},
};

/// Builds everything and runs the benchmarks of `bench/`.
///
/// # Errors
/// When something can't be built, or the benchmarks fail.
pub fn run(arguments: &[String]) -> Result<()> {
    setup::postgresql()?;
    build::components(true)?;
    build::host()?;
    build::program("datamp-bench")?;
    heading("Running the benchmarks");
    let mut command = Command::new(repository().join("target/release/datamp-bench"));
    command
        .env("DATAMP_COMPONENTS", build::components_folder())
        .env("DATAMP_HOST_BIN", build::host_program())
        .args(arguments);
    run_to_end(&mut command)
}
