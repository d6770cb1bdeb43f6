//! The commands of other components, for the one that operators work with.

use std::collections::BTreeMap;

use super::{WitError, wit_commands as wit};
use crate::{
    control::commands::{
        CommandFailure, CommandInfo, ParameterInfo, ProgressInfo, StepAnswer, StepOutcome, StepRequest,
    },
    engine::InstanceState,
};

impl wit::Host for InstanceState {
    async fn describe(&mut self, component: String) -> wasmtime::Result<Result<Vec<wit::Command>, wit::CommandError>> {
        let told = self.in_time(async |control| control.commands(&component).await).await;
        Ok(match told {
            Ok(Ok(commands)) => Ok(commands.into_iter().map(wit::Command::from).collect()),
            Ok(Err(failure)) => Err(failure.into()),
            Err(error) => Err(wit::CommandError::Control(error)),
        })
    }

    async fn advance(
        &mut self,
        component: String,
        command: String,
        arguments: Vec<(String, String)>,
        state: Option<String>,
        by: String,
    ) -> wasmtime::Result<Result<wit::Step, wit::CommandError>> {
        let arguments = match named(arguments) {
            Ok(arguments) => arguments,
            Err(twice) => {
                return Ok(Err(wit::CommandError::InvalidCall(format!("the argument {twice} is there twice"))));
            }
        };
        let request = StepRequest { by, arguments, state };
        let stepped = self.in_time(async |control| control.step(&component, command, request).await).await;
        Ok(match stepped {
            Ok(Ok(answer)) => Ok(answer.into()),
            Ok(Err(failure)) => Err(failure.into()),
            // The step may have been made, and may be asked for again.
            Err(WitError::Unavailable(reason)) => Err(wit::CommandError::Unavailable(reason)),
            Err(error) => Err(wit::CommandError::Control(error)),
        })
    }
}

/// Arguments by their names, or the name that is there twice.
fn named(arguments: Vec<(String, String)>) -> Result<BTreeMap<String, String>, String> {
    let mut all = BTreeMap::new();
    for (name, value) in arguments {
        if all.contains_key(&name) {
            return Err(name);
        }
        all.insert(name, value);
    }
    Ok(all)
}

impl From<CommandFailure> for wit::CommandError {
    fn from(failure: CommandFailure) -> Self {
        match failure {
            CommandFailure::Control(error) => Self::Control(error.into()),
            CommandFailure::None(_) => Self::NoCommands,
            CommandFailure::Unknown { .. } => Self::UnknownCommand,
            CommandFailure::Argument { name, problem } => Self::InvalidArgument((name, problem)),
            CommandFailure::Invalid(problem) => Self::InvalidCall(problem),
            CommandFailure::State { reason, .. } => Self::InvalidState(reason),
            CommandFailure::Unavailable { reason, .. } => Self::Unavailable(reason),
            failed @ (CommandFailure::Answer { .. } | CommandFailure::Call(_)) => Self::Failed(failed.to_string()),
        }
    }
}

impl From<CommandInfo> for wit::Command {
    fn from(command: CommandInfo) -> Self {
        let parameter = |ParameterInfo { name, description, required, default }| wit::Parameter {
            name,
            description,
            required,
            default,
        };
        let CommandInfo { name, summary, parameters } = command;
        Self { name, summary, parameters: parameters.into_iter().map(parameter).collect() }
    }
}

impl From<StepAnswer> for wit::Step {
    fn from(answer: StepAnswer) -> Self {
        let StepAnswer { progress: ProgressInfo { done, total, message }, lines, outcome } = answer;
        let outcome = match outcome {
            StepOutcome::More { state } => wit::Outcome::More(state),
            StepOutcome::Done => wit::Outcome::Done,
            StepOutcome::Failed { reason } => wit::Outcome::Failed(reason),
        };
        Self { progress: wit::Progress { done, total, message }, lines, outcome }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_is_given_once() {
        let of = |names: &[&str]| named(names.iter().map(|name| ((*name).to_owned(), "x".to_owned())).collect());
        assert_eq!(of(&["a", "b"]).map(|all| all.len()), Ok(2));
        assert_eq!(of(&["a", "b", "a"]), Err("a".to_owned()));
    }
}
