//! Commands for operators: `datamp run COMPONENT COMMAND`.
//!
//! A command is a function that is called again and again: each call does a part of the work, well within the component's deadline,
//! tells how far it is, and hands a state of its own to the next. So it may take hours all in all, can be stopped after any step, and
//! goes on across a swap.
//!
//! ```no_run
//! use datamp_sdk::{database, operator::{Call, Command, CommandError, Commands, Step}, prelude::*};
//!
//! # #[cfg(any())]
//! datamp_sdk::service!("component.toml", routes, commands = commands);
//!
//! fn commands(commands: &mut Commands) {
//!     commands.add(
//!         Command::new("forget", "Deletes notes that are old").default("days", "90", "How old"),
//!         forget,
//!     );
//! }
//!
//! fn forget(call: &Call) -> Result<Step, CommandError> {
//!     let days: u32 = call.parse("days")?.unwrap_or(90);
//!     // What the step before handed over; none in the first one.
//!     let before: u64 = call.state()?.unwrap_or(0);
//!     let deleted = database::execute(
//!         "DELETE FROM note WHERE id IN (SELECT id FROM note WHERE created_at < $1 LIMIT 1000)",
//!         params![Timestamp::now() - std::time::Duration::from_secs(86_400) * days],
//!     )?;
//!     let all = before + deleted;
//!     let step = if deleted == 0 { Step::done().line(format!("{all} notes are forgotten")) } else { Step::more(&all)? };
//!     Ok(step.progress(all, None, "notes"))
//! }
//! ```
//!
//! A step may be asked for twice, when its answer was lost: what it changes it finds done the second time.
//!
//! Commands are tested natively, as far as they need no host, by [`Commands::run`].

use std::{cell::OnceCell, collections::BTreeMap, fmt, str::FromStr};

use serde::{Serialize, de::DeserializeOwned};

use crate::bindings::operator::exports::datamp::operator::commands as raw;
use crate::{Problem, database, log};

type Handler = Box<dyn Fn(&Call) -> Result<Step, CommandError>>;

/// The commands of a component.
#[derive(Default)]
pub struct Commands(Vec<(Command, Handler)>);

/// What a command is called, what it does, and what it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    name: &'static str,
    summary: &'static str,
    parameters: Vec<Parameter>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Parameter {
    name: &'static str,
    description: &'static str,
    need: Need,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Need {
    Required,
    Optional,
    Default(&'static str),
}

impl Command {
    /// A command without parameters. Its name has lower case letters, digits and `-`; `summary` is one line.
    pub const fn new(name: &'static str, summary: &'static str) -> Self {
        Self { name, summary, parameters: Vec::new() }
    }

    /// With a parameter that has to be given.
    #[must_use]
    pub fn required(self, name: &'static str, description: &'static str) -> Self {
        self.parameter(name, description, Need::Required)
    }

    /// With a parameter that may be left out.
    #[must_use]
    pub fn optional(self, name: &'static str, description: &'static str) -> Self {
        self.parameter(name, description, Need::Optional)
    }

    /// With a parameter that is `value` where it is left out.
    #[must_use]
    pub fn default(self, name: &'static str, value: &'static str, description: &'static str) -> Self {
        self.parameter(name, description, Need::Default(value))
    }

    fn parameter(mut self, name: &'static str, description: &'static str, need: Need) -> Self {
        self.parameters.push(Parameter { name, description, need });
        self
    }
}

impl Commands {
    /// Adds a command.
    ///
    /// # Panics
    ///
    /// When there is one of that name: a mistake in the program, which the first look at its commands shows.
    #[allow(clippy::panic, reason = "a mistake in the program, not in a call")]
    #[track_caller]
    pub fn add(
        &mut self,
        command: Command,
        handler: impl Fn(&Call) -> Result<Step, CommandError> + 'static,
    ) -> &mut Self {
        if self.0.iter().any(|(known, _)| known.name == command.name) {
            panic!("there are two commands {:?}", command.name);
        }
        self.0.push((command, Box::new(handler)));
        self
    }

    /// One step of a command. Arguments are checked first: that each is a parameter of the command, and none is missing.
    pub fn step(&self, call: &Call) -> Result<Step, CommandError> {
        let known = self.0.iter().find(|(command, _)| command.name == call.command);
        let (command, handler) = known.ok_or(CommandError::Unknown)?;
        let mut call = call.clone();
        if let Some(name) = call.arguments.keys().find(|name| !command.parameters.iter().any(|p| p.name == **name)) {
            let names: Vec<_> = command.parameters.iter().map(|parameter| parameter.name).collect();
            let there =
                if names.is_empty() { "it takes none".to_owned() } else { format!("it takes {}", names.join(", ")) };
            return Err(CommandError::argument(name, format!("is none of {}'s; {there}", command.name)));
        }
        for Parameter { name, need, .. } in &command.parameters {
            match need {
                Need::Required if !call.arguments.contains_key(*name) => {
                    return Err(CommandError::argument(*name, "has to be given"));
                }
                Need::Default(value) => {
                    call.arguments.entry((*name).to_owned()).or_insert_with(|| (*value).to_owned());
                }
                Need::Required | Need::Optional => {}
            }
        }
        handler(&call)
    }

    /// All steps of a command, for tests: what it told, and how it ended.
    pub fn run(&self, mut call: Call) -> Result<Ran, CommandError> {
        let mut ran = Ran { lines: Vec::new(), steps: 0, outcome: Ok(()) };
        loop {
            let step = self.step(&call)?;
            ran.lines.extend(step.lines);
            ran.steps += 1;
            match step.outcome {
                Outcome::More(state) => call.state = Some(state),
                Outcome::Done => return Ok(ran),
                Outcome::Failed(reason) => {
                    ran.outcome = Err(reason);
                    return Ok(ran);
                }
            }
        }
    }
}

impl fmt::Debug for Commands {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.0.iter().map(|(command, _)| command)).finish()
    }
}

/// What came of a whole command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// All that it told.
    pub lines: Vec<String>,
    /// In how many steps.
    pub steps: usize,
    /// Why it failed, if it did.
    pub outcome: Result<(), String>,
}

/// One call of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    command: String,
    arguments: BTreeMap<String, String>,
    state: Option<String>,
    operator: String,
}

impl Call {
    /// The first call of a command, made by hand, for tests. Its operator is `test`.
    pub fn new(command: &str) -> Self {
        Self { command: command.to_owned(), arguments: BTreeMap::new(), state: None, operator: "test".to_owned() }
    }

    /// With an argument.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.arguments.insert(name.to_owned(), value.to_owned());
        self
    }

    /// An argument, or the parameter's default.
    pub fn argument(&self, name: &str) -> Option<&str> {
        self.arguments.get(name).map(String::as_str)
    }

    /// An argument as a number, an id …, whatever can be parsed.
    pub fn parse<T: FromStr<Err: fmt::Display>>(&self, name: &str) -> Result<Option<T>, CommandError> {
        let parsed = self.argument(name).map(str::parse).transpose();
        parsed.map_err(|error: T::Err| CommandError::argument(name, error))
    }

    /// What the step before handed over; `None` in the first one. A state that is no `T` is one of another version of the component, and a
    /// [`CommandError`].
    pub fn state<T: DeserializeOwned>(&self) -> Result<Option<T>, CommandError> {
        let read = self.state.as_deref().map(serde_json::from_str).transpose();
        read.map_err(|error| CommandError::State(format!("its state is of another version: {error}")))
    }

    /// Who runs it, as they call themselves.
    pub fn operator(&self) -> &str {
        &self.operator
    }
}

/// What a step has done, and how it goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Step {
    done: u64,
    total: Option<u64>,
    message: String,
    lines: Vec<String>,
    outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    More(String),
    Done,
    Failed(String),
}

impl Step {
    /// There is more to do: the next step is handed this, at most 64 KiB as JSON.
    pub fn more<T: Serialize + ?Sized>(state: &T) -> Result<Self, CommandError> {
        let state = serde_json::to_string(state);
        Ok(Self::with(Outcome::More(state.map_err(|error| CommandError::Failed(format!("its state: {error}")))?)))
    }

    /// The command has ended well.
    pub fn done() -> Self {
        Self::with(Outcome::Done)
    }

    /// The command has ended, and what it was for is not so.
    pub fn failed(reason: impl fmt::Display) -> Self {
        Self::with(Outcome::Failed(reason.to_string()))
    }

    fn with(outcome: Outcome) -> Self {
        Self { done: 0, total: None, message: String::new(), lines: Vec::new(), outcome }
    }

    /// How far it is: how much of how much, if that is known, and of what.
    pub fn progress(mut self, done: u64, total: impl Into<Option<u64>>, what: impl Into<String>) -> Self {
        (self.done, self.total, self.message) = (done, total.into(), what.into());
        self
    }

    /// Tells one more line.
    pub fn line(mut self, line: impl Into<String>) -> Self {
        self.lines.push(line.into());
        self
    }

    /// Tells more lines: 1,000 of 1 MiB at most in one step.
    pub fn lines(mut self, lines: impl IntoIterator<Item: Into<String>>) -> Self {
        self.lines.extend(lines.into_iter().map(Into::into));
        self
    }
}

/// Why there is no step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandError {
    /// There is no such command.
    Unknown,
    /// An argument that can't be taken.
    Argument {
        /// Its name.
        name: String,
        /// What is wrong with it, or what it has to be.
        problem: String,
    },
    /// The state is of another version: the command has to begin again.
    State(String),
    /// Not now: the same step is asked for again.
    Unavailable(String),
    /// The command has failed, as [`Step::failed`].
    Failed(String),
}

impl CommandError {
    /// An argument that can't be taken: its name, and what it has to be.
    pub fn argument(name: impl Into<String>, problem: impl fmt::Display) -> Self {
        Self::Argument { name: name.into(), problem: problem.to_string() }
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => formatter.write_str("there is no such command"),
            Self::Argument { name, problem } => write!(formatter, "the argument {name} {problem}"),
            Self::State(words) | Self::Unavailable(words) | Self::Failed(words) => formatter.write_str(words),
        }
    }
}

impl std::error::Error for CommandError {}

impl From<database::Error> for CommandError {
    fn from(error: database::Error) -> Self {
        use database::Error;
        log::warn!("database: {}", error);
        let words = format!("database: {error}");
        match error {
            Error::Conflict | Error::Timeout | Error::Unavailable(_) => Self::Unavailable(words),
            _ => Self::Failed(words),
        }
    }
}

impl From<Problem> for CommandError {
    fn from(problem: Problem) -> Self {
        if problem.status() == 503 { Self::Unavailable(problem.to_string()) } else { Self::Failed(problem.to_string()) }
    }
}

thread_local! {
    /// An instance serves many calls, one at a time: its commands are put together once.
    static COMMANDS: OnceCell<Commands> = const { OnceCell::new() };
}

fn with<T>(define: fn(&mut Commands), work: impl FnOnce(&Commands) -> T) -> T {
    COMMANDS.with(|commands| {
        work(commands.get_or_init(|| {
            let mut commands = Commands::default();
            define(&mut commands);
            commands
        }))
    })
}

/// Tells the commands; what [`service!`](crate::service) exports.
#[doc(hidden)]
pub fn describe(define: fn(&mut Commands)) -> Vec<raw::Command> {
    with(define, |commands| commands.0.iter().map(|(command, _)| described(command)).collect())
}

fn described(command: &Command) -> raw::Command {
    let parameter = |Parameter { name, description, need }: &Parameter| raw::Parameter {
        name: (*name).to_owned(),
        description: (*description).to_owned(),
        required: *need == Need::Required,
        default: if let Need::Default(value) = need { Some((*value).to_owned()) } else { None },
    };
    raw::Command {
        name: command.name.to_owned(),
        summary: command.summary.to_owned(),
        parameters: command.parameters.iter().map(parameter).collect(),
    }
}

/// Does one step; what [`service!`](crate::service) exports.
#[doc(hidden)]
pub fn step(define: fn(&mut Commands), call: raw::Call) -> Result<raw::Step, raw::CommandError> {
    let raw::Call { command, arguments, state, operator } = call;
    let call = Call { command, arguments: arguments.into_iter().collect(), state, operator };
    let step = match with(define, |commands| commands.step(&call)) {
        Ok(step) => step,
        Err(CommandError::Failed(reason)) => Step::failed(reason),
        Err(CommandError::Unknown) => return Err(raw::CommandError::UnknownCommand),
        Err(CommandError::Argument { name, problem }) => {
            return Err(raw::CommandError::InvalidArgument((name, problem)));
        }
        Err(CommandError::State(words)) => return Err(raw::CommandError::InvalidState(words)),
        Err(CommandError::Unavailable(words)) => return Err(raw::CommandError::Unavailable(words)),
    };
    let Step { done, total, message, lines, outcome } = step;
    let outcome = match outcome {
        Outcome::More(state) => raw::Outcome::More(state),
        Outcome::Done => raw::Outcome::Done,
        Outcome::Failed(reason) => raw::Outcome::Failed(reason),
    };
    Ok(raw::Step { progress: raw::Progress { done, total, message }, lines, outcome })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(call: &Call) -> Result<Step, CommandError> {
        let to: u64 = call.parse("to")?.unwrap_or_default();
        let reached = call.state::<u64>()?.unwrap_or(0) + 1;
        let step = match reached {
            13 => Step::failed("13 is unlucky"),
            _ if reached >= to => Step::done(),
            _ => Step::more(&reached)?,
        };
        Ok(step.progress(reached, to, "numbers").line(reached.to_string()))
    }

    fn define(commands: &mut Commands) {
        commands
            .add(Command::new("count", "Counts").default("to", "3", "How far").optional("by", "Who"), count)
            .add(Command::new("need", "Needs").required("it", "What"), |call| {
                Ok(Step::done().lines([call.argument("it").unwrap_or("nothing"), call.operator()]))
            })
            .add(Command::new("busy", "Is busy"), |_| Err(database::Error::Timeout.into()))
            .add(Command::new("broken", "Is broken"), |_| Err(CommandError::Failed("it is broken".to_owned())));
    }

    fn commands() -> Commands {
        let mut commands = Commands::default();
        define(&mut commands);
        commands
    }

    #[test]
    fn a_command_goes_on_until_it_has_ended() {
        let ran = commands().run(Call::new("count")).unwrap();
        assert_eq!((ran.lines, ran.steps, ran.outcome), (vec!["1".into(), "2".into(), "3".into()], 3, Ok(())));
        let ran = commands().run(Call::new("count").with("to", "100")).unwrap();
        assert_eq!((ran.steps, ran.outcome), (13, Err("13 is unlucky".into())));
        let ran = commands().run(Call::new("need").with("it", "x")).unwrap();
        assert_eq!(ran.lines, ["x", "test"]);
    }

    #[test]
    fn what_can_not_be_taken_is_named() {
        let refused = |call| commands().step(&call).unwrap_err();
        assert_eq!(refused(Call::new("fly")), CommandError::Unknown);
        let of = |call| match refused(call) {
            CommandError::Argument { name, problem } => format!("{name}: {problem}"),
            other => panic!("{other:?}"),
        };
        assert_eq!(of(Call::new("count").with("from", "1")), "from: is none of count's; it takes to, by");
        assert_eq!(of(Call::new("busy").with("x", "1")), "x: is none of busy's; it takes none");
        assert_eq!(of(Call::new("count").with("to", "x")), "to: invalid digit found in string");
        assert_eq!(of(Call::new("need")), "it: has to be given");
        let call = Call { state: Some("x".to_owned()), ..Call::new("count") };
        assert!(matches!(refused(call), CommandError::State(_)));
    }

    #[test]
    fn the_host_is_told_the_same() {
        let told = describe(define);
        let [count, need, ..] = told.as_slice() else { panic!("{told:?}") };
        assert_eq!((count.name.as_str(), count.parameters[0].default.as_deref()), ("count", Some("3")));
        assert!(need.parameters[0].required && !count.parameters[0].required && !count.parameters[1].required);
        let call = |command: &str| raw::Call {
            command: command.to_owned(),
            arguments: Vec::new(),
            state: None,
            operator: "anna".to_owned(),
        };
        let first = step(define, call("count")).unwrap();
        assert!(matches!(&first.outcome, raw::Outcome::More(state) if state == "1"));
        assert_eq!((first.progress.done, first.progress.total, first.lines), (1, Some(3), vec!["1".to_owned()]));
        let broken = step(define, call("broken")).unwrap();
        assert!(matches!(broken.outcome, raw::Outcome::Failed(reason) if reason == "it is broken"));
        assert!(matches!(step(define, call("fly")), Err(raw::CommandError::UnknownCommand)));
        assert!(
            matches!(step(define, call("need")), Err(raw::CommandError::InvalidArgument((name, _))) if name == "it")
        );
    }

    #[test]
    #[should_panic(expected = "two commands \"a\"")]
    fn two_commands_of_one_name_are_a_mistake() {
        let handler = |_: &Call| Ok(Step::done());
        Commands::default().add(Command::new("a", ""), handler).add(Command::new("a", ""), handler);
    }
}
