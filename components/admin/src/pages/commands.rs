//! The commands of a component: all of them, and the form of one.

use askama::Template;
use datamp_sdk::Path;
use datamp_sdk::deployments::ControlError;
use datamp_sdk::deployments::commands::{self, Command, CommandError, Parameter};

use super::components::line;
use super::frame::Frame;
use super::respond;
use crate::access::{Answer, Refusal, Visit};

#[derive(Template)]
#[template(path = "pages/commands.html")]
struct CommandsPage<'a> {
    f: Frame,
    component: &'a str,
    commands: Vec<Command>,
}

/// `GET /admin/components/{name}/commands`
pub(crate) fn list(visit: &Visit, Path(component): Path<String>) -> Answer {
    line(&component)?;
    let commands = match commands::describe(&component) {
        Ok(commands) => commands,
        Err(CommandError::NoCommands) => Vec::new(),
        Err(error) => return Err(refusal(error)),
    };
    Ok(respond(200, &CommandsPage { f: visit.frame("components")?, component: &component, commands }))
}

#[derive(Template)]
#[template(path = "pages/command.html")]
struct CommandPage<'a> {
    f: Frame,
    component: &'a str,
    command: Command,
    given: &'a [(String, String)],
    /// An argument that can't be taken, and what the component says of it.
    wrong: Option<&'a (String, String)>,
}

impl CommandPage<'_> {
    fn given(&self, parameter: &Parameter) -> &str {
        self.given.iter().find(|(name, _)| *name == parameter.name).map_or("", |(_, value)| value)
    }

    fn wrong(&self, parameter: &Parameter) -> Option<&str> {
        self.wrong.filter(|(name, _)| *name == parameter.name).map(|(_, words)| words.as_str())
    }

    /// What is wrong with an argument that no field of the form is for.
    fn wrong_elsewhere(&self) -> Option<&(String, String)> {
        self.wrong.filter(|(name, _)| self.command.parameters.iter().all(|parameter| parameter.name != *name))
    }
}

/// `GET /admin/components/{name}/commands/{command}`
pub(crate) fn show(visit: &Visit, Path((component, command)): Path<(String, String)>) -> Answer {
    form(visit, &component, &command, &[], None)
}

/// The form of a command, with what is wrong with what was given.
pub(super) fn form(
    visit: &Visit,
    component: &str,
    command: &str,
    given: &[(String, String)],
    wrong: Option<&(String, String)>,
) -> Answer {
    line(component)?;
    let all = commands::describe(component).map_err(refusal)?;
    let command = all.into_iter().find(|one| one.name == command).ok_or_else(Refusal::not_found)?;
    let status = if wrong.is_some() { 422 } else { 200 };
    Ok(respond(status, &CommandPage { f: visit.frame("components")?, component, command, given, wrong }))
}

/// Why there is no page.
pub(super) fn refusal(error: CommandError) -> Refusal {
    match error {
        CommandError::Control(ControlError::Refused(words)) | CommandError::InvalidState(words) => {
            Refusal::stale().said(words)
        }
        CommandError::Control(error) => error.into(),
        CommandError::NoCommands | CommandError::UnknownCommand => Refusal::not_found(),
        CommandError::InvalidArgument((name, words)) => Refusal::invalid().said(format!("{name}: {words}")),
        CommandError::InvalidCall(words) => Refusal::invalid().said(words),
        CommandError::Unavailable(words) | CommandError::Failed(words) => Refusal::unavailable().said(words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Language;
    use crate::pages::frame::tests::of;
    use crate::roles::Role;

    fn command() -> Command {
        let parameter = |name: &str, required, default: Option<&str>| Parameter {
            name: name.to_owned(),
            description: format!("What <{name}> is"),
            required,
            default: default.map(str::to_owned),
        };
        Command {
            name: "forget".to_owned(),
            summary: "Deletes <b>notes</b>".to_owned(),
            parameters: vec![parameter("days", false, Some("90")), parameter("shop", true, None)],
        }
    }

    #[test]
    fn the_list_leads_to_each_command_and_says_where_there_is_none() {
        for language in Language::ALL {
            let page = |commands| CommandsPage { f: of(Role::Admin, language), component: "core", commands };
            let html = page(vec![command()]).render().unwrap();
            assert!(html.contains("href=\"/admin/components/core/commands/forget\""), "{html}");
            assert!(!html.contains("<b>notes"), "{html}");
            assert!(page(Vec::new()).render().unwrap().contains("class=\"empty\""));
        }
    }

    fn html(wrong: Option<&(String, String)>) -> String {
        let given = [("days".to_owned(), "\"><i>".to_owned())];
        let f = of(Role::Admin, Language::English);
        CommandPage { f, component: "core", command: command(), given: &given, wrong }.render().unwrap()
    }

    #[test]
    fn the_form_has_a_field_for_each_parameter_with_what_was_given() {
        let html = html(None);
        assert!(html.contains("name=\"argument-days\"") && html.contains("placeholder=\"90\""), "{html}");
        assert!(html.contains("name=\"argument-shop\" value=\"\"") && html.matches(" required").count() == 1, "{html}");
        assert!(!html.contains("\"><i>") && !html.contains("What <days>") && !html.contains("aria-invalid"), "{html}");
    }

    #[test]
    fn what_is_wrong_stands_beside_its_field_or_above_all() {
        let beside = html(Some(&("shop".to_owned(), "must be an <id>".to_owned())));
        assert!(beside.contains("aria-invalid=\"true\"") && beside.contains("must be an &#60;id&#62;"), "{beside}");
        let above = html(Some(&("colour".to_owned(), "is unknown".to_owned())));
        assert!(above.contains("colour: is unknown") && !above.contains("aria-invalid"), "{above}");
    }

    #[test]
    fn what_the_control_plane_says_is_passed_on() {
        let refused = refusal(CommandError::Control(ControlError::Refused("core is not active".to_owned())));
        assert_eq!((refused.status, refused.words.as_deref()), (409, Some("core is not active")));
        let unknown = CommandError::Control(ControlError::UnknownComponent("x".to_owned()));
        assert_eq!(refusal(unknown).status, 404);
        assert_eq!(refusal(CommandError::Failed("trapped".to_owned())).status, 503);
        assert_eq!(refusal(CommandError::InvalidCall("too long".to_owned())).status, 422);
    }
}
