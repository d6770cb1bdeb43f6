//! What operators can have core do: `datamp run core`.

use datamp_sdk::operator::{Command, Commands};

use crate::jobs;
use crate::ledger::verify::command as verify;

/// Adds the commands.
pub fn commands(commands: &mut Commands) {
    commands.add(verify::command(), verify::verify);
    commands.add(
        Command::new("expire-holds", "Releases the holds whose time is over, as the schedule does each minute"),
        jobs::expire_holds_step,
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use datamp_sdk::operator::{Call, CommandError};

    #[test]
    fn arguments_of_verify_that_make_no_sense_are_named() {
        let mut all = Commands::default();
        commands(&mut all);
        let head = "0".repeat(64);
        for (arguments, wrong) in [
            (&[("account", "acc_1")][..], "account"),
            (&[("account", "")], "account"),
            (&[("head", "x")], "head"),
            (&[("head", &head.replace('0', "A"))], "head"),
            (&[("head", &head)], "head"),
            (&[("accounts", "all")], "accounts"),
        ] {
            let call = arguments.iter().fold(Call::new("verify"), |call, (name, value)| call.with(name, value));
            let refused = all.step(&call);
            assert!(
                matches!(&refused, Err(CommandError::Argument { name, .. }) if name == wrong),
                "{arguments:?}: {refused:?}"
            );
        }
    }
}
