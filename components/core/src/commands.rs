//! What operators can have core do: `datamp run core`.

use datamp_sdk::operator::{Command, Commands};

use crate::jobs;
use crate::ledger::verify::command as verify;
use crate::webhooks::command as webhooks;

/// Adds the commands.
pub fn commands(commands: &mut Commands) {
    commands.add(verify::command(), verify::verify);
    commands.add(
        Command::new("expire-holds", "Releases the holds whose time is over, as the schedule does each minute"),
        jobs::expire_holds_step,
    );
    commands.add(webhooks::list_command(), webhooks::list);
    commands.add(webhooks::replay_command(), webhooks::replay);
}

#[cfg(test)]
mod tests {
    use super::*;
    use datamp_sdk::operator::{Call, CommandError};

    #[test]
    fn arguments_of_webhooks_that_make_no_sense_are_named() {
        let mut all = Commands::default();
        commands(&mut all);
        let endpoint = "whe_01h455vb4pex5vsknk084sn02q";
        for (command, arguments, wrong) in [
            ("webhooks", &[("shop", "anna")][..], "shop"),
            ("webhooks", &[("endpoint", endpoint)], "endpoint"),
            ("replay-webhooks", &[], "endpoint"),
            ("replay-webhooks", &[("endpoint", "shop_01h455vb4pex5vsknk084sn02q")], "endpoint"),
            ("replay-webhooks", &[("endpoint", endpoint), ("since", "yesterday")], "since"),
        ] {
            let call = arguments.iter().fold(Call::new(command), |call, (name, value)| call.with(name, value));
            let refused = all.step(&call);
            assert!(
                matches!(&refused, Err(CommandError::Argument { name, .. }) if name == wrong),
                "{command} {arguments:?}: {refused:?}"
            );
        }
    }

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
