//! `cargo xtask test`.

use anyhow::{Result, anyhow};
use datamp_test_postgres::Cluster;

use crate::{
    build, repository, setup,
    shell::{cargo, heading, path_with, run as run_to_end},
};

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
    run_to_end(
        cargo()
            .env("PATH", path_with(&setup::tools().join("bin"))?)
            .env(datamp_test_postgres::VARIABLE, postgresql.url())
            .env("DATAMP_COMPONENTS", build::components_folder())
            .env("DATAMP_HOST_BIN", build::host_program())
            .args(["nextest", "run", "--release", "--workspace", "--exclude", "case-*"])
            .args(filters),
    )
}
