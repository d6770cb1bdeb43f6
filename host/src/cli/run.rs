//! `datamp run`: lists the commands of a component, and runs one, step by step.

use std::{collections::BTreeMap, time::Duration};

use anyhow::bail;
use clap::Args;

use super::{
    Target,
    client::{Client, ProblemDocument},
    commands::{print_json, segment},
    progress::{Progress, harmless},
    table::table,
};
use crate::control::commands::{CommandInfo, ParameterInfo, StepAnswer, StepOutcome, StepRequest};

/// How often a step is asked for that the component can't do now.
const ATTEMPTS: u32 = 8;

/// How long it is waited before the second time; each time after that it is twice as long.
const FIRST_DELAY: Duration = Duration::from_millis(100);

#[derive(Args, Debug)]
pub(crate) struct RunArguments {
    /// The component.
    component: String,
    /// The command. Without it, those that there are are listed.
    command: Option<String>,
    /// Its arguments: `--NAME VALUE` or `NAME=VALUE`; `--NAME` alone is the value `true`. Options of this program may stand among them;
    /// an argument whose name is one of theirs is written NAME=VALUE.
    #[arg(allow_hyphen_values = true, value_name = "ARGUMENT")]
    arguments: Vec<String>,
    /// Who runs it.
    #[arg(long, env = "USER", default_value = "operator", value_name = "NAME")]
    by: String,
    #[command(flatten)]
    target: Target,
}

pub(super) async fn run(mut arguments: RunArguments) -> anyhow::Result<()> {
    let given = std::mem::take(&mut arguments.arguments);
    arguments.arguments = without_options(given, &mut arguments.by, &mut arguments.target)?;
    let client = Client::new(&arguments.target)?;
    let path = format!("/v1/components/{}/commands", segment(&arguments.component)?);
    let Some(command) = arguments.command else {
        let commands: Vec<CommandInfo> = client.get(&path, &[]).await?;
        return if arguments.target.json { print_json(&commands) } else { list(&arguments.component, &commands) };
    };
    let path = format!("{path}/{}", segment(&command)?);
    let mut request = StepRequest { by: arguments.by, arguments: named(&arguments.arguments)?, state: None };
    let mut progress = Progress::new(arguments.target.json);
    loop {
        let answer = step(&client, &path, &request).await;
        if answer.is_err() {
            progress.clear();
        }
        let answer = answer?;
        if arguments.target.json {
            println!("{}", serde_json::to_string(&answer)?);
        } else if !answer.lines.is_empty() {
            progress.clear();
            answer.lines.iter().for_each(|line| println!("{}", harmless(line)));
        }
        match answer.outcome {
            StepOutcome::More { state } => {
                progress.show(&answer.progress);
                request.state = Some(state);
            }
            StepOutcome::Done => {
                progress.end(&answer.progress);
                return Ok(());
            }
            StepOutcome::Failed { reason } => {
                progress.end(&answer.progress);
                bail!("{}", harmless(&reason));
            }
        }
    }
}

/// One step. One that can't be done now is asked for again: a step may be.
async fn step(client: &Client, path: &str, request: &StepRequest) -> anyhow::Result<StepAnswer> {
    let mut delay = FIRST_DELAY;
    for _ in 1..ATTEMPTS {
        match client.post(path, request).await {
            Err(error) if error.downcast_ref::<ProblemDocument>().is_some_and(|problem| problem.status == 503) => {
                tokio::time::sleep(delay).await;
                delay *= 2;
            }
            answer => return answer,
        }
    }
    client.post(path, request).await
}

/// Takes the options of this program from among the arguments of the command, where clap leaves them.
fn without_options(given: Vec<String>, by: &mut String, target: &mut Target) -> anyhow::Result<Vec<String>> {
    let mut own = Vec::new();
    let mut given = given.into_iter();
    while let Some(word) = given.next() {
        let (option, value) = match word.split_once('=') {
            Some((option, value)) => (option, Some(value.to_owned())),
            None => (word.as_str(), None),
        };
        if option == "--json" && value.is_none() {
            target.json = true;
            continue;
        }
        if !matches!(option, "--by" | "--data" | "--control-url" | "--token") {
            own.push(word);
            continue;
        }
        let Some(value) = value.or_else(|| given.next()) else { bail!("{option} needs a value") };
        match option {
            "--by" => *by = value,
            "--data" => target.data = value.into(),
            "--control-url" => target.control_url = Some(value),
            _ => target.token = Some(value),
        }
    }
    Ok(own)
}

/// Arguments by their names.
fn named(arguments: &[String]) -> anyhow::Result<BTreeMap<String, String>> {
    let mut named = BTreeMap::new();
    let mut left = arguments.iter().map(String::as_str).peekable();
    while let Some(argument) = left.next() {
        let (name, value) = match (argument.strip_prefix("--"), argument.split_once('=')) {
            (Some(option), _) => match option.split_once('=') {
                Some((name, value)) => (name, value),
                None => (option, left.next_if(|next| !next.starts_with("--")).unwrap_or("true")),
            },
            (None, Some((name, value))) => (name, value),
            (None, None) => bail!("{argument:?} is no argument of a command: write --NAME VALUE or NAME=VALUE"),
        };
        if name.is_empty() {
            bail!("{argument:?} names no argument: write --NAME VALUE or NAME=VALUE");
        }
        if named.insert(name.to_owned(), value.to_owned()).is_some() {
            bail!("the argument {name:?} is given twice");
        }
    }
    Ok(named)
}

fn list(component: &str, commands: &[CommandInfo]) -> anyhow::Result<()> {
    let rows: Vec<_> = commands.iter().map(|command| [usage(command), harmless(&command.summary)]).collect();
    print!("{}", table(["COMMAND", "WHAT IT DOES"], &rows));
    let parameters: Vec<_> = commands
        .iter()
        .flat_map(|command| command.parameters.iter().map(move |parameter| row(command, parameter)))
        .collect();
    if !parameters.is_empty() {
        print!("\n{}", table(["COMMAND", "ARGUMENT", "DEFAULT", "WHAT IT IS"], &parameters));
    }
    println!("\nRun one: datamp run {component} COMMAND [--NAME VALUE …]");
    Ok(())
}

fn usage(command: &CommandInfo) -> String {
    let mut usage = command.name.clone();
    for ParameterInfo { name, required, .. } in &command.parameters {
        usage += &if *required { format!(" --{name} …") } else { format!(" [--{name} …]") };
    }
    usage
}

fn row(command: &CommandInfo, parameter: &ParameterInfo) -> [String; 4] {
    [
        command.name.clone(),
        format!("--{}", parameter.name),
        harmless(parameter.default.as_deref().unwrap_or_default()),
        harmless(&parameter.description),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_this_program_may_stand_among_the_arguments() {
        let (mut by, mut target) =
            ("me".to_owned(), Target { data: "data".into(), control_url: None, token: None, json: false });
        let mut own = |words: &[&str]| {
            without_options(words.iter().map(|word| (*word).to_owned()).collect(), &mut by, &mut target)
        };
        let words = [
            "--a",
            "1",
            "--json",
            "--by",
            "anna",
            "json=x",
            "--data=/d",
            "--token",
            "t",
            "--control-url=u=v",
            "--json=1",
        ];
        assert_eq!(own(&words).unwrap(), ["--a", "1", "json=x", "--json=1"]);
        assert!(own(&["--a", "--by"]).unwrap_err().to_string().contains("--by needs a value"));
        assert_eq!((by.as_str(), target.json, target.data.to_str()), ("anna", true, Some("/d")));
        assert_eq!((target.token.as_deref(), target.control_url.as_deref()), (Some("t"), Some("u=v")));
    }

    #[test]
    fn arguments_are_named_in_either_way() {
        let read = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            named(&words)
                .map(|named| named.into_iter().map(|(name, value)| format!("{name}:{value}")).collect::<Vec<_>>())
        };
        assert_eq!(read(&[]).unwrap(), [""; 0]);
        assert_eq!(read(&["--a", "1", "b=2", "--c=3=4", "--d"]).unwrap(), ["a:1", "b:2", "c:3=4", "d:true"]);
        assert_eq!(read(&["--a", "-1", "--b", "--c", "x=y"]).unwrap(), ["a:-1", "b:true", "c:x=y"]);
        assert_eq!(read(&["a="]).unwrap(), ["a:"]);
        for (words, says) in [
            (&["here"][..], "no argument"),
            (&["--a", "1", "here"], "no argument"),
            (&["-a"], "no argument"),
            (&["=1"], "names no argument"),
            (&["--"], "names no argument"),
            (&["--a", "1", "a=2"], "twice"),
        ] {
            let error = read(words).unwrap_err().to_string();
            assert!(error.contains(says), "{words:?}: {error}");
        }
    }
}
