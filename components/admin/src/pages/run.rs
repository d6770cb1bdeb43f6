//! A command that runs: each request does one step of it, and the page's script asks for the next until it ends.
//!
//! What goes from step to step is in the page's form, so nothing is left behind where a browser is closed. A run begins with a `started`
//! record in the audit, whose id goes along: without one of the same person, command and beginnings of arguments there is no step. A step
//! may be asked for twice, by two tabs too; commands bear that.

use std::collections::BTreeMap;

use askama::Template;
use datamp_models::admin::AuditOutcome;
use datamp_sdk::deployments::ControlError;
use datamp_sdk::deployments::commands::{self, CommandError, Outcome, Progress};
use datamp_sdk::{Form, Path};

use super::commands::{form, refusal};
use super::frame::Frame;
use super::respond;
use crate::access::{And, Answer, Refusal, Visit};
use crate::audit::{Action, Begun, Entry, Values, values};
use crate::i18n::Language;

/// What the fields of arguments begin with.
const ARGUMENT: &str = "argument-";

/// How much of an argument goes into the audit, in characters.
const AUDITED: usize = 100;

/// The most arguments, and the longest name of one or of a command, in bytes: the host takes no more. Held to before anything is written down.
const MOST_ARGUMENTS: usize = 32;
const LONGEST_NAME: usize = 64;

/// What a step is asked with.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked {
    /// By the parameters' names.
    arguments: Vec<(String, String)>,
    /// What the step before handed over.
    state: Option<String>,
    /// The record of the run's start.
    started: Option<String>,
}

impl Asked {
    /// Of the form's fields. A field that is empty is an argument that is not given. The state is JSON, since forms change line breaks.
    fn read(mut fields: BTreeMap<String, String>) -> Result<Self, Refusal> {
        let started = fields.remove("started");
        let state = fields.remove("state").map(|state| serde_json::from_str(&state)).transpose();
        let state = state.map_err(|_| Refusal::invalid().said("the state of a command is a string in JSON"))?;
        let argument = |(name, value): (String, String)| Some((name.strip_prefix(ARGUMENT)?.to_owned(), value));
        let arguments: Vec<_> =
            fields.into_iter().filter_map(argument).filter(|(_, value)| !value.is_empty()).collect();
        if arguments.len() > MOST_ARGUMENTS || arguments.iter().any(|(name, _)| name.len() > LONGEST_NAME) {
            let limits =
                format!("a command has at most {MOST_ARGUMENTS} arguments, with names of {LONGEST_NAME} bytes");
            return Err(Refusal::invalid().said(limits));
        }
        Ok(Self { arguments, state, started })
    }

    /// The command and its arguments, for the audit.
    fn told(&self, command: &str) -> Values {
        let argument = |(name, value): &(String, String)| format!("{name}={value:.AUDITED$}");
        let arguments = self.arguments.iter().map(argument).collect::<Vec<_>>().join(" ");
        let mut told = values([("command", command)]);
        if !arguments.is_empty() {
            told.insert("arguments".to_owned(), arguments);
        }
        told
    }
}

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Standing {
    /// There is more to do: what the next step is to be given.
    More(String),
    /// A step was not done, or nobody knows: what it was given, and why, in the platform's words.
    Again(Option<String>, String),
    Done,
    /// It has ended, and not well; why, in the component's words.
    Failed(String),
}

impl Standing {
    /// The key of its word, and its style.
    fn badge(&self) -> (&'static str, &'static str) {
        match self {
            Self::More(_) => ("command.running", "info"),
            Self::Again(..) => ("command.waiting", "warn"),
            Self::Done => ("command.done", "good"),
            Self::Failed(_) => ("command.failed", "bad"),
        }
    }

    fn goes_on(&self) -> bool {
        matches!(self, Self::More(_) | Self::Again(..))
    }

    /// What the next step is to be given, as its form has it; the first one is given nothing.
    fn state(&self) -> Option<String> {
        match self {
            Self::More(state) | Self::Again(Some(state), _) => Some(serde_json::json!(state).to_string()),
            Self::Again(None, _) | Self::Done | Self::Failed(_) => None,
        }
    }

    /// What is to be known of it in words.
    fn words(&self) -> Option<&str> {
        match self {
            Self::Again(_, words) | Self::Failed(words) => Some(words),
            Self::More(_) | Self::Done => None,
        }
    }
}

#[derive(Template)]
#[template(path = "pages/run.html")]
struct Run<'a> {
    f: Frame,
    component: &'a str,
    command: &'a str,
    arguments: &'a [(String, String)],
    started: &'a str,
    standing: Standing,
    progress: Option<Progress>,
    lines: Vec<String>,
}

/// The run that a form goes on with, or a new one.
fn begun<'a>(visit: &'a Visit, entry: Entry<'a>, asked: &Asked) -> Result<Begun<'a>, Refusal> {
    match &asked.started {
        Some(started) => Begun::before(visit, entry, started)?.ok_or_else(Refusal::stale),
        None if asked.state.is_none() => Ok(Begun::new(visit, entry)?),
        None => Err(Refusal::stale()),
    }
}

/// Records that a run has ended, and not well.
fn fail(run: &Begun<'_>, words: &str) {
    let words: String = words.chars().take(500).collect();
    run.end(AuditOutcome::Refused, values([("refusal", &words)]));
}

/// What came of a step that was done.
fn standing(run: &Begun<'_>, outcome: Outcome) -> Standing {
    match outcome {
        Outcome::More(state) => Standing::More(state),
        Outcome::Done => {
            run.end(AuditOutcome::Done, Values::new());
            Standing::Done
        }
        Outcome::Failed(reason) => {
            fail(run, &reason);
            Standing::Failed(reason)
        }
    }
}

/// The component and the command of an address.
type Address = Path<(String, String)>;

/// The fields of a form whose names depend on the command.
type Fields = Form<BTreeMap<String, String>>;

/// `POST /admin/components/{name}/commands/{command}`
pub(crate) fn advance(visit: &Visit, And(Path((component, command)), Form(fields)): And<Address, Fields>) -> Answer {
    let member = visit.member()?;
    let asked = Asked::read(fields)?;
    if component.len() > LONGEST_NAME || command.len() > LONGEST_NAME {
        return Err(Refusal::not_found());
    }
    let after = asked.told(&command);
    let entry = Entry { subject: Some(&component), after, ..Entry::by(member, Action::CommandRun) };
    let run = begun(visit, entry, &asked)?;

    let state = asked.state.as_deref();
    let stepped = commands::advance(&component, &command, &asked.arguments, state, &member.login);
    let again = |words| Standing::Again(asked.state.clone(), words);
    let (status, standing, progress, lines) = match stepped {
        Ok(step) => (200, standing(&run, step.outcome), Some(step.progress), step.lines),
        Err(
            CommandError::Unavailable(words)
            | CommandError::Control(ControlError::Unavailable(words) | ControlError::Refused(words)),
        ) => (503, again(words), None, Vec::new()),
        Err(CommandError::Failed(words)) => (502, again(words), None, Vec::new()),
        Err(CommandError::InvalidArgument(wrong)) => {
            fail(&run, &format!("{}: {}", wrong.0, wrong.1));
            return form(visit, &component, &command, &asked.arguments, Some(&wrong));
        }
        Err(error) => {
            let refusal = refusal(error);
            fail(&run, refusal.words.as_deref().unwrap_or(Language::English.text(refusal.title)));
            return Err(refusal);
        }
    };
    let (f, arguments, started) = (visit.frame("components")?, &asked.arguments, run.id());
    let page = Run { f, component: &component, command: &command, arguments, started, standing, progress, lines };
    Ok(respond(status, &page))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::frame::tests::of;
    use crate::roles::Role;

    fn fields(fields: &[(&str, &str)]) -> Asked {
        read(fields).unwrap()
    }

    fn read(fields: &[(&str, &str)]) -> Result<Asked, Refusal> {
        Asked::read(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn what_no_command_takes_is_refused_before_it_is_written_down() {
        let long = format!("argument-{}", "n".repeat(LONGEST_NAME + 1));
        assert!(read(&[(&long, "x")]).is_err());
        let names: Vec<String> = (0..=MOST_ARGUMENTS).map(|number| format!("argument-{number}")).collect();
        let mut many: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "x")).collect();
        assert!(read(&many).is_err());
        many.pop();
        assert!(read(&many).is_ok());
        assert!(read(&[("state", "no JSON")]).is_err() && read(&[("state", "7")]).is_err());
    }

    #[test]
    fn a_form_is_arguments_and_what_goes_along() {
        let asked = fields(&[("csrf", "x"), ("argument-shop", "shop_1"), ("argument-days", ""), ("days", "5")]);
        let shop = ("shop".to_owned(), "shop_1".to_owned());
        assert_eq!(asked, Asked { arguments: vec![shop], ..Asked::default() });
        let asked = fields(&[("state", "\"3\""), ("started", "audit_1")]);
        assert_eq!((asked.state.as_deref(), asked.started.as_deref()), (Some("3"), Some("audit_1")));
    }

    #[test]
    fn the_audit_has_the_command_and_the_beginnings_of_its_arguments() {
        let told = fields(&[("argument-a", &"ж".repeat(500)), ("argument-b", "2")]).told("forget");
        assert_eq!(told.get("command").map(String::as_str), Some("forget"));
        assert_eq!(told.get("arguments"), Some(&format!("a={} b=2", "ж".repeat(AUDITED))));
        assert!(!fields(&[]).told("forget").contains_key("arguments"));
    }

    fn html(standing: Standing, language: Language) -> String {
        let progress = Some(Progress { done: 3, total: Some(12), message: "<i>notes</i>".to_owned() });
        let lines = vec!["first".to_owned(), "<script>".to_owned()];
        let arguments = [("days".to_owned(), "\"90".to_owned())];
        let f = of(Role::Admin, language);
        Run {
            f,
            component: "core",
            command: "forget",
            arguments: &arguments,
            started: "audit_1",
            standing,
            progress,
            lines,
        }
        .render()
        .unwrap()
    }

    #[test]
    fn what_runs_carries_what_the_next_step_needs() {
        for language in Language::ALL {
            let html = html(Standing::More("4\r\n".to_owned()), language);
            for field in [
                "name=\"csrf\" value=\"form-token\"",
                "name=\"started\" value=\"audit_1\"",
                "name=\"state\" value=\"&#34;4\\r\\n&#34;\"",
                "name=\"argument-days\" value=\"&#34;90\"",
                "value=\"3\" max=\"12\"",
            ] {
                assert!(html.contains(field), "{field}: {html}");
            }
            assert!(html.contains("first\n&#60;script&#62;\n") && !html.contains("<i>notes"), "{html}");
        }
    }

    #[test]
    fn what_has_ended_goes_on_no_more() {
        for (standing, words) in
            [(Standing::Done, "Done"), (Standing::Failed("no <b>luck".to_owned()), "no &#60;b&#62;luck")]
        {
            let html = html(standing, Language::English);
            assert!(html.contains(words) && !html.contains("name=\"state\""), "{html}");
        }
    }

    #[test]
    fn a_step_that_was_not_done_is_asked_for_again_with_the_same_state() {
        let html = html(Standing::Again(Some("7".to_owned()), "busy".to_owned()), Language::English);
        assert!(html.contains("name=\"state\" value=\"&#34;7&#34;\"") && html.contains("busy"), "{html}");
        assert_eq!(Standing::More(String::new()).state().as_deref(), Some("\"\""), "an empty state is one");
        let first = Standing::Again(None, "busy".to_owned());
        assert!(first.goes_on() && first.state().is_none(), "the first step has none");
    }
}
