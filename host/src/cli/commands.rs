//! The commands around deployments: deploy, activate, roll back, status, inspect.

use std::{
    fs,
    io::{BufRead, IsTerminal, Write, stderr, stdin},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use clap::Args;
use serde_json::json;

use super::{
    Target,
    client::{Client, ProblemDocument},
    table::table,
};
use crate::control::{ComponentStatus, Deployed, GenerationRecord, HostStatus, Inspection, package::Package};

/// What goes into the history.
#[derive(Args, Debug)]
struct Why {
    /// Who does it.
    #[arg(long, env = "USER", default_value = "operator", value_name = "NAME")]
    by: String,
    /// Why.
    #[arg(long, default_value = "", value_name = "TEXT")]
    reason: String,
}

#[derive(Args, Debug)]
pub(crate) struct DeployArguments {
    /// The component's .wasm file.
    file: PathBuf,
    /// Grant all that it asks for (see `datamp inspect`).
    #[arg(long, conflicts_with = "grant_ask")]
    grant: bool,
    /// Grant this ask alone, such as `table:order:select`. Can be given several times.
    #[arg(long, value_name = "ASK")]
    grant_ask: Vec<String>,
    /// Deploy it even if it breaks clients of its HTTP API. The history keeps the --reason.
    #[arg(long, requires = "reason")]
    allow_breaking: bool,
    #[command(flatten)]
    why: Why,
    #[command(flatten)]
    target: Target,
}

pub(super) async fn deploy(arguments: DeployArguments) -> anyhow::Result<()> {
    let client = Client::new(&arguments.target)?;
    let bytes = read(&arguments.file)?;
    let grant = if arguments.grant { "all".to_owned() } else { arguments.grant_ask.join(",") };
    let deployed = match upload(&client, bytes.clone(), grant, &arguments).await {
        Err(error) => match error.downcast_ref::<ProblemDocument>() {
            Some(problem) if !problem.asks.is_empty() && confirmed(&problem.asks)? => {
                upload(&client, bytes, "all".to_owned(), &arguments).await?
            }
            _ => return Err(error),
        },
        deployed => deployed?,
    };
    if arguments.target.json {
        return print_json(&deployed);
    }
    let generation = &deployed.generation;
    println!(
        "{} {} is active as generation {} after {} ms",
        generation.component, generation.version, generation.number, deployed.took_ms
    );
    for secret in &deployed.announcements {
        println!("{}/{}: {}   ({}; shown this once)", secret.component, secret.name, secret.value, secret.description);
    }
    Ok(())
}

async fn upload(
    client: &Client,
    bytes: Vec<u8>,
    grant: String,
    arguments: &DeployArguments,
) -> anyhow::Result<Deployed> {
    let (by, reason) = (arguments.why.by.clone(), arguments.why.reason.clone());
    let allow_breaking = arguments.allow_breaking.to_string();
    let query = [("by", by), ("reason", reason), ("grant", grant), ("allow_breaking", allow_breaking)];
    client.upload("/v1/deployments", &query, bytes).await
}

/// Asks whoever sits at the terminal; without one, the answer is no.
fn confirmed(asks: &[String]) -> anyhow::Result<bool> {
    if !stdin().is_terminal() {
        return Ok(false);
    }
    eprintln!("It asks for:");
    for ask in asks {
        eprintln!("  {ask}{}", told(ask));
    }
    eprint!("Grant all of it? [y/N] ");
    stderr().flush()?;
    let mut answer = String::new();
    stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

#[derive(Args, Debug)]
pub(crate) struct ActivateArguments {
    /// The component.
    name: String,
    /// The number of the generation (see `datamp status NAME`).
    generation: u64,
    #[command(flatten)]
    why: Why,
    #[command(flatten)]
    target: Target,
}

pub(super) async fn activate(arguments: ActivateArguments) -> anyhow::Result<()> {
    let client = Client::new(&arguments.target)?;
    let body = json!({
        "by": arguments.why.by, "reason": arguments.why.reason, "generation": arguments.generation
    });
    let path = format!("/v1/components/{}/activate", segment(&arguments.name)?);
    let now: GenerationRecord = client.post(&path, &body).await?;
    report(&now, arguments.target.json)
}

#[derive(Args, Debug)]
pub(crate) struct RollbackArguments {
    /// The component.
    name: String,
    #[command(flatten)]
    why: Why,
    #[command(flatten)]
    target: Target,
}

pub(super) async fn rollback(arguments: RollbackArguments) -> anyhow::Result<()> {
    let client = Client::new(&arguments.target)?;
    let path = format!("/v1/components/{}/rollback", segment(&arguments.name)?);
    let now: GenerationRecord =
        client.post(&path, &json!({ "by": arguments.why.by, "reason": arguments.why.reason })).await?;
    report(&now, arguments.target.json)
}

fn report(now: &GenerationRecord, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        return print_json(now);
    }
    println!("{} {} is active again as generation {}", now.component, now.version, now.number);
    Ok(())
}

#[derive(Args, Debug)]
pub(crate) struct StatusArguments {
    /// A component, to see its generations.
    name: Option<String>,
    #[command(flatten)]
    target: Target,
}

pub(super) async fn status(arguments: StatusArguments) -> anyhow::Result<()> {
    let client = Client::new(&arguments.target)?;
    match arguments.name {
        Some(name) => {
            let path = format!("/v1/components/{}/generations", segment(&name)?);
            let history: Vec<GenerationRecord> = client.get(&path, &[]).await?;
            if arguments.target.json {
                return print_json(&history);
            }
            let rows: Vec<_> = history.iter().map(generation_row).collect();
            print!("{}", table(["GENERATION", "VERSION", "STATE", "DEPLOYED", "BY", "FILE", "REASON"], &rows));
        }
        None => {
            let host: HostStatus = client.get("/v1/status", &[]).await?;
            if arguments.target.json {
                return print_json(&host);
            }
            println!(
                "datamp {} · up {} s · {} · {} allocation",
                host.version, host.uptime_s, host.database, host.allocation
            );
            let rows: Vec<_> = host.components.iter().map(component_row).collect();
            let heading = ["COMPONENT", "VERSION", "GENERATION", "ROUTES", "REQUESTS", "ERRORS", "P50", "P99", "STATE"];
            print!("{}", table(heading, &rows));
        }
    }
    Ok(())
}

fn generation_row(generation: &GenerationRecord) -> [String; 7] {
    [
        generation.number.to_string(),
        generation.version.clone(),
        format!("{:?}", generation.state).to_lowercase(),
        generation.deployed_at.clone(),
        generation.deployed_by.clone(),
        generation.sha256.chars().take(12).collect(),
        generation.reason.clone().unwrap_or_default(),
    ]
}

fn component_row(status: &ComponentStatus) -> [String; 9] {
    let active = status.active.as_ref();
    let state = match (&status.broken, active) {
        (Some(reason), _) => format!("broken: {reason}"),
        (None, Some(_)) => "active".to_owned(),
        (None, None) => "not active".to_owned(),
    };
    [
        status.component.clone(),
        active.map(|g| g.version.clone()).unwrap_or_default(),
        active.map(|g| g.number.to_string()).unwrap_or_default(),
        status.routes.join(" "),
        status.figures.requests.to_string(),
        status.figures.errors.to_string(),
        format!("{} µs", status.figures.p50),
        format!("{} µs", status.figures.p99),
        state,
    ]
}

#[derive(Args, Debug)]
pub(crate) struct InspectArguments {
    /// The component's .wasm file.
    file: PathBuf,
    /// Print JSON instead of text.
    #[arg(long)]
    json: bool,
}

pub(super) fn inspect(arguments: &InspectArguments) -> anyhow::Result<()> {
    let package = Package::read(read(&arguments.file)?)?;
    let inspection = Inspection::of(&package);
    if arguments.json {
        return print_json(&inspection);
    }
    println!("{} {}   {}", inspection.component, inspection.version, inspection.description);
    println!("{} bytes, sha256 {}", inspection.size, inspection.sha256);
    for (heading, lines) in [
        ("serves", &inspection.routes),
        ("asks for", &inspection.asks),
        ("imports", &inspection.imports),
        ("exports", &inspection.exports),
        ("migrations", &inspection.migrations),
    ] {
        if !lines.is_empty() {
            println!("\n{heading}:");
            for line in lines {
                println!("  {line}{}", told(line));
            }
        }
    }
    Ok(())
}

/// What an ask means, where its text alone may be overlooked.
fn told(ask: &str) -> &'static str {
    if ask == "host:https://*" { "   (every public host)" } else { "" }
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(file).with_context(|| format!("{} can't be read", file.display()))
}

/// A name that stands as one segment of a path.
pub(super) fn segment(name: &str) -> anyhow::Result<&str> {
    let valid = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if valid { Ok(name) } else { bail!("{name:?} is no name of a component, a setting or a secret") }
}

pub(super) fn print_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}
