//! The command line.

use anyhow::Result;
use clap::{CommandFactory as _, Parser, Subcommand};

use crate::{bench, build, lint, openapi, repository, test, up, wit};

/// Builds, runs, tests and measures DataMP.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the host and the four components, and start them.
    Up {
        /// Arguments for `datamp up`, as in `cargo xtask up --listen 0.0.0.0:8080`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Set up what the tests need, and run them all, or those whose names hold one of the filters.
    Test {
        /// Parts of test names, or other arguments for `cargo nextest run`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        filters: Vec<String>,
    },
    /// Build everything for speed and run the benchmarks.
    Bench {
        /// Arguments for the benchmarks: rows, `--json FILE`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Build the components to `target/guests/wasm32-wasip2/component/`.
    Components {
        /// Build those under tests/components too.
        #[arg(long)]
        cases: bool,
    },
    /// Check formatting, and lint the host's side and the components.
    Lint,
    /// Write the documents of the HTTP APIs anew, as the code says them, unless they break what was released.
    Openapi {
        /// Keep what is written under openapi/released/, by its version.
        #[arg(long)]
        release: bool,
    },
    /// Write down the hash of each package in wit/ that is new. Those that are written down never change.
    WitFreeze,
}

impl Arguments {
    /// Does what the command line asks for.
    ///
    /// # Errors
    /// When it can't be done; the error says why.
    pub fn run(self) -> Result<()> {
        match self.command {
            Command::Up { arguments } => up::run(&arguments),
            Command::Test { filters } => test::run(&filters),
            Command::Bench { arguments } => bench::run(&arguments),
            Command::Components { cases } => build::components(cases),
            Command::Lint => lint::run(),
            Command::Openapi { release } => openapi::run(release),
            Command::WitFreeze => wit::freeze(&repository()),
        }
    }
}

/// The names of the commands.
#[must_use]
pub fn commands() -> Vec<String> {
    Arguments::command().get_subcommands().map(|command| command.get_name().to_owned()).collect()
}
