//! The commands about deferred work: events, jobs, schedules.

use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{Target, client::Client, commands::print_json, table::table};
use crate::work::{Letter, LetterState, ScheduleRow};

#[derive(Args, Debug)]
pub(crate) struct EventsArguments {
    #[command(subcommand)]
    action: EventsAction,
}

#[derive(Debug, Subcommand)]
enum EventsAction {
    /// List events on their way to a subscriber, the oldest first.
    List(ListArguments),
    /// Deliver dead letters again, with all their attempts.
    Replay(ReplayArguments),
}

#[derive(Args, Debug)]
pub(crate) struct JobsArguments {
    #[command(subcommand)]
    action: JobsAction,
}

#[derive(Debug, Subcommand)]
enum JobsAction {
    /// List jobs that wait or are under way, the oldest first.
    List(ListArguments),
    /// Run dead letters again, with all their attempts.
    Replay(ReplayArguments),
    /// List the schedules, and when each is run next.
    Schedules {
        #[command(flatten)]
        target: Target,
    },
}

#[derive(Args, Debug)]
struct ListArguments {
    /// Only dead letters.
    #[arg(long)]
    dead: bool,
    /// Only those of this component: the subscriber, or whose job it is.
    #[arg(long, value_name = "NAME")]
    component: Option<String>,
    /// Only those of this topic, or this job.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// How many, at most 1000.
    #[arg(long, short = 'n', default_value_t = 100, value_name = "N")]
    limit: u32,
    /// Only those after this id: the last one of the page before.
    #[arg(long, value_name = "ID")]
    after: Option<String>,
    #[command(flatten)]
    target: Target,
}

#[derive(Args, Debug)]
struct ReplayArguments {
    /// The ids of dead letters (see `list --dead`).
    ids: Vec<String>,
    /// All dead letters of this component instead.
    #[arg(long, value_name = "NAME", conflicts_with = "ids")]
    component: Option<String>,
    /// Of those, only the ones of this topic, or this job.
    #[arg(long, value_name = "NAME", requires = "component")]
    name: Option<String>,
    #[command(flatten)]
    target: Target,
}

pub(super) async fn events(arguments: EventsArguments) -> anyhow::Result<()> {
    match arguments.action {
        EventsAction::List(arguments) => list("/v1/events", arguments).await,
        EventsAction::Replay(arguments) => replay("/v1/events/replay", arguments).await,
    }
}

pub(super) async fn jobs(arguments: JobsArguments) -> anyhow::Result<()> {
    match arguments.action {
        JobsAction::List(arguments) => list("/v1/jobs", arguments).await,
        JobsAction::Replay(arguments) => replay("/v1/jobs/replay", arguments).await,
        JobsAction::Schedules { target } => schedules(&target).await,
    }
}

async fn list(path: &str, arguments: ListArguments) -> anyhow::Result<()> {
    let mut query = vec![("limit", arguments.limit.to_string()), ("dead", arguments.dead.to_string())];
    query.extend(arguments.component.map(|value| ("component", value)));
    query.extend(arguments.name.map(|value| ("name", value)));
    query.extend(arguments.after.map(|value| ("after", value)));
    let letters: Vec<Letter> = Client::new(&arguments.target)?.get(path, &query).await?;
    if arguments.target.json {
        return print_json(&letters);
    }
    let rows: Vec<_> = letters.iter().map(row).collect();
    print!(
        "{}",
        table(["ID", "COMPONENT", "NAME", "KEY", "STATE", "ATTEMPTS", "SCHEDULED", "NEXT", "LAST ERROR"], &rows)
    );
    Ok(())
}

fn row(letter: &Letter) -> [String; 9] {
    let (state, next) = match letter.state {
        LetterState::Waiting => ("waiting", letter.due_at.clone()),
        LetterState::Working => ("working", String::new()),
        LetterState::Dead => ("dead", String::new()),
    };
    [
        letter.id.clone(),
        letter.component.clone(),
        letter.name.clone(),
        letter.key.clone(),
        state.to_owned(),
        letter.attempts.to_string(),
        letter.scheduled_for.clone(),
        next,
        letter.last_error.clone().unwrap_or_default().replace(['\n', '\r', '\t'], " "),
    ]
}

async fn replay(path: &str, arguments: ReplayArguments) -> anyhow::Result<()> {
    let client = Client::new(&arguments.target)?;
    let mut replayed = 0;
    let wanted: Vec<Value> = match &arguments.component {
        Some(component) => vec![json!({ "component": component, "name": arguments.name })],
        None if arguments.ids.is_empty() => {
            bail!("say which dead letters: their ids, or --component NAME for all of one")
        }
        None => arguments.ids.iter().map(|id| json!({ "id": id })).collect(),
    };
    for which in wanted {
        let answer: Value = client.post(path, &which).await?;
        replayed += answer.get("replayed").and_then(Value::as_u64).unwrap_or_default();
    }
    if arguments.target.json {
        return print_json(&json!({ "replayed": replayed }));
    }
    println!("{replayed} replayed");
    Ok(())
}

async fn schedules(target: &Target) -> anyhow::Result<()> {
    let schedules: Vec<ScheduleRow> = Client::new(target)?.get("/v1/schedules", &[]).await?;
    if target.json {
        return print_json(&schedules);
    }
    let rows: Vec<_> = schedules
        .iter()
        .map(|s| [s.component.clone(), s.name.clone(), s.cron.clone(), s.next_at.clone().unwrap_or_default()])
        .collect();
    print!("{}", table(["COMPONENT", "NAME", "CRON (UTC)", "NEXT"], &rows));
    Ok(())
}
