//! Benchmarks of the host, each measured against its native twin. See the README beside this crate.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod host;
mod http;
mod load;
mod measure;
mod process;
mod report;
mod rows;
#[cfg(test)]
mod test_server;
mod twin;

use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand, ValueEnum};

use crate::rows::{RowName, Settings};

/// Measures the host against its native twins. With no row named, all of them.
#[derive(Parser)]
#[command(name = "cargo xtask bench", args_conflicts_with_subcommands = true)]
struct Cli {
    /// What to measure.
    rows: Vec<RowName>,
    /// Writes the rows to a file, as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Fails where a row misses its target.
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Option<Command>,
}

/// What this program starts itself anew as.
#[derive(Subcommand)]
enum Command {
    /// Makes a load on a server and reports on it.
    #[command(hide = true)]
    Load(load::LoadOptions),
    /// Serves a native twin.
    #[command(hide = true, subcommand)]
    Twin(twin::TwinCommand),
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether everything is as it has to be.
fn run(mut cli: Cli) -> Result<bool> {
    match cli.command.take() {
        Some(Command::Load(options)) => load::main(&options).map(|()| true),
        Some(Command::Twin(command)) => twin::main(command).map(|()| true),
        None => bench(&cli),
    }
}

fn bench(cli: &Cli) -> Result<bool> {
    let names = if cli.rows.is_empty() { RowName::value_variants() } else { &cli.rows };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut rows = Vec::new();
    let mut all_measured = true;
    for name in names {
        eprintln!("{name} ...");
        match runtime.block_on(rows::measure(*name, &cli.settings)) {
            Ok(row) => rows.push(row),
            // The others are worth having all the same.
            Err(error) => {
                eprintln!("error: {name}: {error:#}");
                all_measured = false;
            }
        }
    }
    println!("{}", report::table(&rows));
    if let Some(file) = &cli.json {
        let json = serde_json::to_string_pretty(&rows)?;
        fs::write(file, json + "\n").with_context(|| file.display().to_string())?;
    }
    Ok(all_measured && (!cli.check || rows.iter().all(report::Row::reaches_target)))
}
