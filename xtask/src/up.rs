//! `cargo xtask up`.

use std::{env, os::unix::process::CommandExt as _, process::Command};

use anyhow::{Result, anyhow};

use crate::{build, repository, shell::heading};

/// Builds everything and becomes `datamp up` with the four components and the sandbox payment provider, its data in `data/`.
///
/// # Errors
/// When something can't be built or started. On success it does not return.
pub fn run(arguments: &[String]) -> Result<()> {
    build::components(false)?;
    build::host()?;
    heading("Starting DataMP");
    let mut command = Command::new(build::host_program());
    command.current_dir(repository()).arg("up");
    for name in build::all() {
        command.arg("--component").arg(build::component_file(name));
    }
    command.arg("--grant").args(arguments);
    let public = setting(arguments, "--listen", "DATAMP_LISTEN", "127.0.0.1:8080");
    let control = setting(arguments, "--control", "DATAMP_CONTROL_LISTEN", "127.0.0.1:8081");
    let data = setting(arguments, "--data", "DATAMP_DATA", "data");
    eprint!("{}", to_try(&public, &control, &data));
    Err(anyhow!(command.exec()).context(format!("can't start {}", build::host_program().display())))
}

/// The value that the host will take for one of its options.
fn setting(arguments: &[String], option: &str, variable: &str, default: &str) -> String {
    let after = arguments.iter().skip_while(|argument| *argument != option).nth(1);
    let joined = arguments.iter().find_map(|argument| argument.strip_prefix(option)?.strip_prefix('='));
    let given = after.map(String::as_str).or(joined).map(str::to_owned);
    given.or_else(|| env::var(variable).ok()).unwrap_or_else(|| default.to_owned())
}

fn to_try(public: &str, control: &str, data: &str) -> String {
    format!(
        "Once it is up, try from another terminal: a user registers, their letter, and what has been served.

  curl -sS http://{public}/gate/v1/register -H 'content-type: application/json' \\
       -d '{{\"email\": \"anna@example.com\", \"password\": \"a quiet harbour at dawn\"}}'
  curl -sS http://{control}/v1/mail -H \"authorization: Bearer $(cat {data}/control.token)\"
  curl -sS http://{control}/v1/status -H \"authorization: Bearer $(cat {data}/control.token)\"

The README goes on from there. Ctrl-C stops it.

"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_told_as_it_was_given() {
        let given = |arguments: &[&str]| {
            let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
            setting(&arguments, "--listen", "NO_SUCH_VARIABLE", "127.0.0.1:8080")
        };
        assert_eq!(given(&[]), "127.0.0.1:8080");
        assert_eq!(given(&["--listen", "0.0.0.0:80", "--grant"]), "0.0.0.0:80");
        assert_eq!(given(&["--listen=0.0.0.0:80"]), "0.0.0.0:80");
        assert_eq!(given(&["--listening", "0.0.0.0:80"]), "127.0.0.1:8080");
    }
}
