//! The command line of DataMP's host.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    datamp_host::cli::run(datamp_host::cli::Arguments::parse())
}
