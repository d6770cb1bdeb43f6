//! The command line: `up` runs a host; every other command speaks to a running one through its control API.

mod client;
mod commands;
mod contents;
mod progress;
mod run;
mod table;
mod up;
mod work;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};

/// A host for WebAssembly components that are swapped without losing a request.
#[derive(Debug, Parser)]
#[command(name = "datamp", version, about, propagate_version = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a host.
    Up(Box<up::UpArguments>),
    /// Deploy a component and make it active.
    Deploy(commands::DeployArguments),
    /// Make another generation of a component the active one.
    Activate(commands::ActivateArguments),
    /// Make the generation that was active before the active one.
    Rollback(commands::RollbackArguments),
    /// Show the host, its components and what they have done; with a NAME, that component's generations.
    Status(commands::StatusArguments),
    /// Show what a component's file says of itself, and what it asks for. Needs no running host.
    Inspect(commands::InspectArguments),
    /// Show log records.
    Logs(contents::LogsArguments),
    /// Show, set or list the secrets of a component.
    Secret(contents::SecretArguments),
    /// Give a setting of a component a value, from its next activation on.
    Set(contents::SetArguments),
    /// Run a command of a component; without a COMMAND, list those that it has.
    Run(run::RunArguments),
    /// List events that are on their way or dead, and replay dead ones.
    Events(work::EventsArguments),
    /// List jobs that wait or are dead, replay dead ones, and list the schedules.
    Jobs(work::JobsArguments),
    /// Show the local mailbox, where mail goes while no SMTP server is configured.
    Mail(contents::MailArguments),
}

/// Where the running host is.
#[derive(Args, Debug)]
pub(crate) struct Target {
    /// The data folder of a host on this machine: its address and its token are read from there.
    #[arg(long, env = "DATAMP_DATA", default_value = "data", value_name = "DIR")]
    data: PathBuf,
    /// The control API of a host elsewhere, such as http://10.0.0.5:8081. Needs DATAMP_TOKEN.
    #[arg(long, env = "DATAMP_CONTROL", value_name = "URL")]
    control_url: Option<String>,
    /// The control token, where it is not in the data folder.
    #[arg(long, env = "DATAMP_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    token: Option<String>,
    /// Print the API's JSON instead of text.
    #[arg(long)]
    json: bool,
}

/// Runs a command. Errors go to standard error, and end with a status of 1.
#[must_use]
pub fn run(arguments: Arguments) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&anyhow::Error::new(error)),
    };
    let result = runtime.block_on(async {
        match arguments.command {
            Command::Up(arguments) => up::up(*arguments).await,
            Command::Deploy(arguments) => commands::deploy(arguments).await,
            Command::Activate(arguments) => commands::activate(arguments).await,
            Command::Rollback(arguments) => commands::rollback(arguments).await,
            Command::Status(arguments) => commands::status(arguments).await,
            Command::Inspect(arguments) => commands::inspect(&arguments),
            Command::Logs(arguments) => contents::logs(arguments).await,
            Command::Secret(arguments) => contents::secret(arguments).await,
            Command::Set(arguments) => contents::set(arguments).await,
            Command::Run(arguments) => run::run(arguments).await,
            Command::Events(arguments) => work::events(arguments).await,
            Command::Jobs(arguments) => work::jobs(arguments).await,
            Command::Mail(arguments) => contents::mail(arguments).await,
        }
    });
    // What still drains in the background is not waited for: `up` has done so already.
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("datamp: {error:#}");
    ExitCode::FAILURE
}
