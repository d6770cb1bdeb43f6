//! The commands that show and set what a host keeps: logs, mail, secrets, settings.

use std::io::{BufRead, stdin};

use anyhow::Context;
use clap::{Args, Subcommand};
use futures::StreamExt;
use serde_json::{Value, json};

use super::{
    Target,
    client::Client,
    commands::{print_json, segment},
};

#[derive(Args, Debug)]
pub(crate) struct LogsArguments {
    /// Only records of this component; `host` for the host's own.
    #[arg(long, value_name = "NAME")]
    component: Option<String>,
    /// Only records of this level and above: trace, debug, info, warn or error.
    #[arg(long)]
    level: Option<String>,
    /// Only records with this trace id.
    #[arg(long, value_name = "ID")]
    trace: Option<String>,
    /// How many, the newest.
    #[arg(long, short = 'n', default_value_t = 100, value_name = "N")]
    limit: u32,
    /// Go on showing records as they come.
    #[arg(long, short)]
    follow: bool,
    #[command(flatten)]
    target: Target,
}

pub(super) async fn logs(arguments: LogsArguments) -> anyhow::Result<()> {
    let client = Client::new(&arguments.target)?;
    let mut query = vec![("limit", arguments.limit.to_string())];
    query.extend(arguments.component.map(|value| ("component", value)));
    query.extend(arguments.level.map(|value| ("level", value.to_lowercase())));
    query.extend(arguments.trace.map(|value| ("trace", value)));
    let recent = client.stream("/v1/logs", &query).await?.text().await?;
    for line in recent.lines() {
        print_record(line, arguments.target.json);
    }
    if !arguments.follow {
        return Ok(());
    }
    let mut tail = client.stream("/v1/logs/tail", &query).await?.bytes_stream();
    let mut pending = Vec::new();
    while let Some(chunk) = tail.next().await {
        for byte in chunk? {
            if byte == b'\n' {
                let line = String::from_utf8_lossy(&pending);
                if let Some(record) = line.strip_prefix("data:") {
                    print_record(record.trim_start(), arguments.target.json);
                }
                pending.clear();
            } else {
                pending.push(byte);
            }
        }
    }
    Ok(())
}

fn print_record(line: &str, as_json: bool) {
    let record: Value = serde_json::from_str(line).unwrap_or_default();
    let text = |name: &str| record.get(name).and_then(Value::as_str).unwrap_or_default();
    if as_json || text("@timestamp").is_empty() {
        println!("{line}");
        return;
    }
    let mut more = String::new();
    for (name, value) in record.as_object().into_iter().flatten() {
        if !matches!(name.as_str(), "@timestamp" | "log.level" | "service.name" | "message" | "ecs.version") {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            more.push_str(&format!(" {name}={value}"));
        }
    }
    println!("{} {:5} {} {}{more}", text("@timestamp"), text("log.level"), text("service.name"), text("message"));
}

#[derive(Args, Debug)]
pub(crate) struct SecretArguments {
    #[command(subcommand)]
    action: SecretAction,
}

#[derive(Debug, Subcommand)]
enum SecretAction {
    /// List the names of a component's secrets.
    List {
        /// The component.
        component: String,
        #[command(flatten)]
        target: Target,
    },
    /// Show a secret's value.
    Show {
        /// The component.
        component: String,
        /// The secret's name.
        name: String,
        #[command(flatten)]
        target: Target,
    },
    /// Set a secret to what is read from standard input.
    Set {
        /// The component.
        component: String,
        /// The secret's name.
        name: String,
        #[command(flatten)]
        target: Target,
    },
}

pub(super) async fn secret(arguments: SecretArguments) -> anyhow::Result<()> {
    match arguments.action {
        SecretAction::List { component, target } => {
            let path = format!("/v1/components/{}/secrets", segment(&component)?);
            let secrets: Vec<Value> = Client::new(&target)?.get(&path, &[]).await?;
            if target.json {
                return print_json(&secrets);
            }
            for secret in &secrets {
                let generated = secret.get("generated").and_then(Value::as_bool).unwrap_or_default();
                let name = secret.get("name").and_then(Value::as_str).unwrap_or_default();
                println!("{name}{}", if generated { "   (generated)" } else { "" });
            }
        }
        SecretAction::Show { component, name, target } => {
            let path = format!("/v1/components/{}/secrets/{}", segment(&component)?, segment(&name)?);
            let secret: Value = Client::new(&target)?.get(&path, &[]).await?;
            println!("{}", secret.get("value").and_then(Value::as_str).unwrap_or_default());
        }
        SecretAction::Set { component, name, target } => {
            let mut value = String::new();
            // From standard input, as arguments can be read by everybody on the machine.
            stdin().lock().read_line(&mut value).context("the secret is read from standard input")?;
            let path = format!("/v1/components/{}/secrets/{}", segment(&component)?, segment(&name)?);
            Client::new(&target)?.put(&path, &json!({ "value": value.trim_end_matches(['\r', '\n']) })).await?;
        }
    }
    Ok(())
}

#[derive(Args, Debug)]
pub(crate) struct SetArguments {
    /// The component.
    component: String,
    /// The setting's name in its manifest.
    name: String,
    /// Its value.
    value: String,
    #[command(flatten)]
    target: Target,
}

pub(super) async fn set(arguments: SetArguments) -> anyhow::Result<()> {
    let path = format!("/v1/components/{}/settings/{}", segment(&arguments.component)?, segment(&arguments.name)?);
    Client::new(&arguments.target)?.put(&path, &json!({ "value": arguments.value })).await
}

#[derive(Args, Debug)]
pub(crate) struct MailArguments {
    /// Only mail to this address.
    #[arg(long, value_name = "ADDRESS")]
    to: Option<String>,
    /// How many, the newest first.
    #[arg(long, short = 'n', default_value_t = 10, value_name = "N")]
    limit: u32,
    #[command(flatten)]
    target: Target,
}

pub(super) async fn mail(arguments: MailArguments) -> anyhow::Result<()> {
    let mut query = vec![("limit", arguments.limit.to_string())];
    query.extend(arguments.to.map(|to| ("to", to)));
    let entries: Vec<Value> = Client::new(&arguments.target)?.get("/v1/mail", &query).await?;
    if arguments.target.json {
        return print_json(&entries);
    }
    for entry in &entries {
        let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
        println!(
            "{}  to {}  from {}\n{}\n\n{}\n",
            text("sent_at"),
            text("to"),
            text("component"),
            text("subject"),
            text("text")
        );
    }
    Ok(())
}
