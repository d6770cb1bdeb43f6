//! Commands of components for operators: what there is, and one step of one.
//!
//! The host knows none of them, and keeps nothing between two steps: whoever runs a command asks for one step after the other.

use std::{collections::BTreeMap, sync::Arc};

use http::StatusCode;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{Control, ControlError, package::COMMANDS};
use crate::{
    bindings::operator,
    engine::{CallContext, CallError},
    http::Problem,
    registry::Generation,
    telemetry::trace::TraceContext,
};

/// The most arguments of a command.
const MOST_ARGUMENTS: usize = 32;

/// The longest name of an argument, in bytes.
const LONGEST_NAME: usize = 64;

/// The most bytes of all arguments together.
const LONGEST_ARGUMENTS: usize = 128 << 10;

/// The longest state between two steps, in bytes.
const LONGEST_STATE: usize = 64 << 10;

/// The most lines of one step.
const MOST_LINES: usize = 1000;

/// The most bytes of all lines of a step together.
const LONGEST_LINES: usize = 1 << 20;

/// A command, as its component tells of it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct CommandInfo {
    /// What it is called by.
    pub name: String,
    /// One line for people.
    pub summary: String,
    /// What it takes.
    pub parameters: Vec<ParameterInfo>,
}

/// A parameter of a command.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ParameterInfo {
    /// Its name.
    pub name: String,
    /// For people.
    pub description: String,
    /// Whether it has to be given.
    pub required: bool,
    /// What it is where it is not.
    pub default: Option<String>,
}

/// What a step of a command is asked with.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct StepRequest {
    /// Who asks.
    pub by: String,
    /// By the parameters' names.
    #[serde(default)]
    pub arguments: BTreeMap<String, String>,
    /// What the step before answered; none in the first one.
    #[serde(default)]
    pub state: Option<String>,
}

/// What came of a step.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct StepAnswer {
    /// How far the command is.
    pub progress: ProgressInfo,
    /// What it tells.
    pub lines: Vec<String>,
    /// How it goes on.
    #[serde(flatten)]
    pub outcome: StepOutcome,
}

/// How far a command is.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ProgressInfo {
    /// How much is done.
    pub done: u64,
    /// Of how much, where that is known.
    pub total: Option<u64>,
    /// What is being done.
    pub message: String,
}

/// How a command goes on.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum StepOutcome {
    /// By another step.
    More {
        /// What that one is to be asked with.
        state: String,
    },
    /// It has ended well.
    Done,
    /// It has ended, and not well.
    Failed {
        /// Why.
        reason: String,
    },
}

/// Why there is no step.
#[derive(Debug, thiserror::Error)]
pub enum CommandFailure {
    /// The component is not there, or its records can't be read.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// It is there, and has no commands.
    #[error("{0} has no commands for operators: it does not export {COMMANDS} (version 1)")]
    None(String),
    /// It has no such command.
    #[error("{component} has no command {command:?}; `datamp run {component}` lists those that it has")]
    Unknown {
        /// The component.
        component: String,
        /// What was asked for.
        command: String,
    },
    /// An argument can't be taken.
    #[error("the argument {name}: {problem}")]
    Argument {
        /// Its name.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// What was asked is out of a limit.
    #[error("{0}")]
    Invalid(String),
    /// The state is of another version.
    #[error("{component} can't go on from where the command was, and has to begin again: {reason}")]
    State {
        /// The component.
        component: String,
        /// Why.
        reason: String,
    },
    /// The component can't do it now.
    #[error("{component} can't do it now: {reason}")]
    Unavailable {
        /// The component.
        component: String,
        /// Why.
        reason: String,
    },
    /// It answered what no step may be.
    #[error("{component} answered a step that can't be passed on: {problem}")]
    Answer {
        /// The component.
        component: String,
        /// What is wrong with it.
        problem: String,
    },
    /// It failed.
    #[error(transparent)]
    Call(#[from] CallError),
}

impl From<&CommandFailure> for Problem {
    fn from(failure: &CommandFailure) -> Self {
        use CommandFailure as F;
        let of = |status, slug, title| Self::new(status, slug, title, failure.to_string());
        let unfit = StatusCode::UNPROCESSABLE_ENTITY;
        match failure {
            F::Control(error) => Self::from(error),
            F::Call(error) => Self::from(error),
            F::None(_) => of(StatusCode::NOT_FOUND, "no-commands", "The component has no commands"),
            F::Unknown { .. } => of(StatusCode::NOT_FOUND, "unknown-command", "No such command"),
            F::Argument { name, .. } => {
                of(unfit, "invalid-argument", "An argument can't be taken").with("argument", name.as_str())
            }
            F::Invalid(_) => of(unfit, "invalid-call", "The call can't be taken"),
            F::State { .. } => of(StatusCode::CONFLICT, "invalid-state", "The command has to begin again"),
            F::Unavailable { .. } => {
                of(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "The component can't do it now").retry_after(1)
            }
            F::Answer { .. } => of(StatusCode::BAD_GATEWAY, "invalid-step", "The component's answer is invalid"),
        }
    }
}

impl Control {
    /// The commands of a component.
    ///
    /// # Errors
    /// When it is not active, or has none.
    pub async fn commands(&self, component: &str) -> Result<Vec<CommandInfo>, CommandFailure> {
        let generation = self.operated(component).await?;
        let commands = generation.commands(call(&generation)).await?;
        Ok(commands.into_iter().map(CommandInfo::from).collect())
    }

    /// One step of a command of a component, by the version that is active now.
    ///
    /// # Errors
    /// Why there was none. Nothing was done, but by a component that failed in the middle of it.
    pub async fn step(
        &self,
        component: &str,
        command: String,
        request: StepRequest,
    ) -> Result<StepAnswer, CommandFailure> {
        check(&request)?;
        let generation = self.operated(component).await?;
        if request.state.is_none() {
            let arguments: String =
                request.arguments.iter().map(|(name, value)| format!(" {name}={value:.100}")).collect();
            tracing::info!("{} runs {component} {command}{arguments}", request.by);
        }
        let asked = operator::Call {
            command: command.clone(),
            arguments: request.arguments.into_iter().collect(),
            state: request.state,
            operator: request.by,
        };
        let component = component.to_owned();
        let call = call(&generation);
        let (id, trace) = (Arc::clone(&call.request_id), call.trace);
        let stepped = generation.step(call, &asked).await.inspect_err(|error| {
            tracing::warn!(request_id = %id, trace_id = %&*trace.trace_id_hex(), "a command gave no answer: {error}");
        });
        match stepped? {
            Ok(step) => answer(step).map_err(|problem| CommandFailure::Answer { component, problem }),
            Err(operator::CommandError::UnknownCommand) => Err(CommandFailure::Unknown { component, command }),
            Err(operator::CommandError::InvalidArgument((name, problem))) => {
                Err(CommandFailure::Argument { name, problem })
            }
            Err(operator::CommandError::InvalidState(reason)) => Err(CommandFailure::State { component, reason }),
            Err(operator::CommandError::Unavailable(reason)) => Err(CommandFailure::Unavailable { component, reason }),
        }
    }

    /// The active generation of a component that has commands.
    async fn operated(&self, component: &str) -> Result<Arc<Generation>, CommandFailure> {
        let Some(generation) = self.registry.table().active().get(component).cloned() else {
            // One that was never deployed is told from one that is not active.
            self.history(component).await?;
            return Err(ControlError::Refused(format!("{component} is not active: `datamp status {component}`")).into());
        };
        if generation.has_commands() { Ok(generation) } else { Err(CommandFailure::None(component.to_owned())) }
    }
}

fn call(generation: &Generation) -> CallContext {
    CallContext {
        request_id: uuid::Uuid::now_v7().to_string().into(),
        trace: TraceContext::generate(),
        deadline: Instant::now() + generation.deadline(),
        callers: Vec::new(),
    }
}

fn check(request: &StepRequest) -> Result<(), CommandFailure> {
    let invalid = |problem: String| Err(CommandFailure::Invalid(problem));
    let arguments = &request.arguments;
    if request.by.trim().is_empty() || request.by.chars().count() > 100 {
        return invalid("`by` has 1 to 100 characters: who runs the command".to_owned());
    }
    if arguments.len() > MOST_ARGUMENTS {
        return invalid(format!("{} arguments, and a command takes at most {MOST_ARGUMENTS}", arguments.len()));
    }
    if let Some(name) = arguments.keys().find(|name| name.is_empty() || name.len() > LONGEST_NAME) {
        return invalid(format!("{name:.70?} is no name of an argument: it has 1 to {LONGEST_NAME} bytes"));
    }
    let bytes: usize = arguments.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > LONGEST_ARGUMENTS {
        return invalid(format!("{bytes} bytes of arguments, and a command takes at most {LONGEST_ARGUMENTS}"));
    }
    match &request.state {
        Some(state) if state.len() > LONGEST_STATE => {
            invalid(format!("a state of {} bytes, and one has at most {LONGEST_STATE}", state.len()))
        }
        _ => Ok(()),
    }
}

fn answer(step: operator::Step) -> Result<StepAnswer, String> {
    let operator::Step { progress, lines, outcome } = step;
    let bytes: usize = lines.iter().map(String::len).sum();
    if lines.len() > MOST_LINES || bytes > LONGEST_LINES {
        return Err(format!(
            "{} lines with {bytes} bytes, and a step has at most {MOST_LINES} with {LONGEST_LINES}",
            lines.len()
        ));
    }
    let outcome = match outcome {
        operator::Outcome::More(state) if state.len() > LONGEST_STATE => {
            return Err(format!("a state of {} bytes, and one has at most {LONGEST_STATE}", state.len()));
        }
        operator::Outcome::More(state) => StepOutcome::More { state },
        operator::Outcome::Done => StepOutcome::Done,
        operator::Outcome::Failed(reason) => StepOutcome::Failed { reason },
    };
    let operator::Progress { done, total, message } = progress;
    Ok(StepAnswer { progress: ProgressInfo { done, total, message }, lines, outcome })
}

impl From<operator::Command> for CommandInfo {
    fn from(command: operator::Command) -> Self {
        let operator::Command { name, summary, parameters } = command;
        let parameter = |operator::Parameter { name, description, required, default }| ParameterInfo {
            name,
            description,
            required,
            default,
        };
        Self { name, summary, parameters: parameters.into_iter().map(parameter).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(arguments: &[(&str, usize)], state: Option<usize>) -> StepRequest {
        StepRequest {
            by: "anna".to_owned(),
            arguments: arguments.iter().map(|(name, length)| ((*name).to_owned(), "x".repeat(*length))).collect(),
            state: state.map(|length| "x".repeat(length)),
        }
    }

    fn step(lines: &[usize], outcome: operator::Outcome) -> operator::Step {
        let progress = operator::Progress { done: 1, total: None, message: "things".to_owned() };
        operator::Step { progress, lines: lines.iter().map(|length| "x".repeat(*length)).collect(), outcome }
    }

    #[test]
    fn what_goes_in_is_bounded() {
        assert!(check(&request(&[("a", LONGEST_ARGUMENTS - 2), ("b", 0)], Some(LONGEST_STATE))).is_ok());
        let long = "n".repeat(LONGEST_NAME + 1);
        let many: Vec<String> = (0..=MOST_ARGUMENTS).map(|number| number.to_string()).collect();
        let many: Vec<(&str, usize)> = many.iter().map(|name| (name.as_str(), 1)).collect();
        for wrong in [
            request(&[("a", LONGEST_ARGUMENTS)], None),
            request(&[("", 1)], None),
            request(&[(&long, 1)], None),
            request(&many, None),
            request(&[], Some(LONGEST_STATE + 1)),
            StepRequest { by: " ".to_owned(), ..request(&[], None) },
            StepRequest { by: "x".repeat(101), ..request(&[], None) },
        ] {
            let refused = check(&wrong);
            assert!(matches!(refused, Err(CommandFailure::Invalid(_))), "{refused:?}");
        }
    }

    #[test]
    fn what_comes_out_is_bounded() {
        assert!(answer(step(&[1; MOST_LINES], operator::Outcome::More("x".repeat(LONGEST_STATE)))).is_ok());
        assert!(answer(step(&[1; MOST_LINES + 1], operator::Outcome::Done)).is_err());
        assert!(answer(step(&[LONGEST_LINES + 1], operator::Outcome::Done)).is_err());
        assert!(answer(step(&[], operator::Outcome::More("x".repeat(LONGEST_STATE + 1)))).is_err());
    }

    #[test]
    fn an_answer_reads_as_it_was_written() {
        for (outcome, json) in [
            (operator::Outcome::More("s".to_owned()), r#""outcome":"more","state":"s""#),
            (operator::Outcome::Done, r#""outcome":"done""#),
            (operator::Outcome::Failed("why".to_owned()), r#""outcome":"failed","reason":"why""#),
        ] {
            let answered = answer(step(&[1], outcome)).unwrap();
            let text = serde_json::to_string(&answered).unwrap();
            let whole = format!(r#"{{"progress":{{"done":1,"total":null,"message":"things"}},"lines":["x"],{json}}}"#);
            assert_eq!(text, whole);
            let read: StepAnswer = serde_json::from_str(&text).unwrap();
            assert_eq!((read.progress, read.outcome), (answered.progress, answered.outcome));
        }
    }
}
