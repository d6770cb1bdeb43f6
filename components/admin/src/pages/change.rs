//! Another generation of a component made active: what it means, a reason, and the doing.
//!
//! The form says which generation was active when it was made. If another is by now, nothing happens: somebody else was faster.

use askama::Template;
use datamp_models::admin::AuditOutcome;
use datamp_sdk::deployments::{self, ControlError, Generation};
use datamp_sdk::{Form, Path, Query, log};
use serde::Deserialize;

use super::components::{can_activate, line, rollback_target};
use super::frame::Frame;
use super::notice::Notice;
use super::{respond, see};
use crate::access::{And, Answer, Refusal, Visit};
use crate::audit::{Action, Begun, Entry, Values, values};
use crate::staff::profile;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Activate,
    RollBack,
}

#[derive(Template)]
#[template(path = "pages/change.html")]
struct ChangePage<'a> {
    f: Frame,
    change: Change,
    component: &'a str,
    from: Option<Generation>,
    target: Generation,
    reason: &'a str,
    reason_error: bool,
}

impl ChangePage<'_> {
    fn title(&self) -> String {
        let key = match self.change {
            Change::Activate => "change.activate-title",
            Change::RollBack => "change.rollback-title",
        };
        self.f.fill(key, "component", self.component)
    }

    fn button(&self) -> String {
        let key = match self.change {
            Change::Activate => "change.activate-button",
            Change::RollBack => "change.rollback-button",
        };
        self.f.fill(key, "generation", self.target.number)
    }

    /// The number of the active generation, 0 where none is.
    fn expected(&self) -> u64 {
        self.from.as_ref().map_or(0, |generation| generation.number)
    }
}

#[derive(Deserialize)]
pub(crate) struct Asked {
    generation: u64,
}

#[derive(Deserialize)]
pub(crate) struct Given {
    /// The generation to make active; a rollback names it too, so that it goes where the page said.
    generation: u64,
    expected: u64,
    #[serde(default)]
    reason: String,
}

/// `GET /admin/components/{name}/activate?generation=N`
pub(crate) fn show_activate(visit: &Visit, And(Path(name), Query(asked)): And<Path<String>, Query<Asked>>) -> Answer {
    show(visit, Change::Activate, &name, Some(asked.generation), 200, "")
}

/// `GET /admin/components/{name}/rollback`
pub(crate) fn show_rollback(visit: &Visit, Path(name): Path<String>) -> Answer {
    show(visit, Change::RollBack, &name, None, 200, "")
}

/// `POST /admin/components/{name}/activate`
pub(crate) fn activate(visit: &Visit, And(Path(name), Form(given)): And<Path<String>, Form<Given>>) -> Answer {
    submit(visit, Change::Activate, &name, &given)
}

/// `POST /admin/components/{name}/rollback`
pub(crate) fn roll_back(visit: &Visit, And(Path(name), Form(given)): And<Path<String>, Form<Given>>) -> Answer {
    submit(visit, Change::RollBack, &name, &given)
}

fn show(visit: &Visit, change: Change, component: &str, number: Option<u64>, status: u16, reason: &str) -> Answer {
    let (from, target) = ends(change, component, number)?;
    let f = visit.frame("components")?;
    let reason_error = status != 200;
    Ok(respond(status, &ChangePage { f, change, component, from, target, reason, reason_error }))
}

/// The active generation, and the one to make active.
fn ends(change: Change, component: &str, number: Option<u64>) -> Result<(Option<Generation>, Generation), Refusal> {
    let from = line(component)?.active;
    let history = deployments::history(component)?;
    let target = match (change, number) {
        (Change::Activate, number) => {
            history.iter().find(|generation| Some(generation.number) == number && can_activate(generation))
        }
        (Change::RollBack, None) => rollback_target(&history),
        (Change::RollBack, Some(number)) => rollback_target(&history).filter(|generation| generation.number == number),
    };
    Ok((from, target.cloned().ok_or_else(Refusal::stale)?))
}

fn submit(visit: &Visit, change: Change, component: &str, given: &Given) -> Answer {
    let member = visit.member()?;
    let Some(reason) = profile::reason(&given.reason) else {
        return show(visit, change, component, Some(given.generation), 422, &given.reason);
    };
    let (from, target) = ends(change, component, Some(given.generation))?;
    if from.as_ref().map_or(0, |generation| generation.number) != given.expected {
        return Err(Refusal::stale());
    }

    let action = match change {
        Change::Activate => Action::GenerationActivate,
        Change::RollBack => Action::GenerationRollback,
    };
    let entry = Entry {
        subject: Some(component),
        reason: Some(&reason),
        before: from.as_ref().map(told).unwrap_or_default(),
        after: told(&target),
        ..Entry::by(member, action)
    };
    let begun = Begun::new(visit, entry)?;

    let done = match change {
        Change::Activate => deployments::activate(component, target.number, &member.login, &reason),
        Change::RollBack => deployments::rollback(component, &member.login, &reason),
    };
    match &done {
        Ok(active) => begun.end(AuditOutcome::Done, told(active)),
        Err(error) => begun.end(AuditOutcome::Refused, values([("refusal", &words(error))])),
    }
    match done {
        Ok(active) => {
            log::info!("another generation is active"; changed.component = component, changed.generation = active.number, staff = member.id);
            visit.leave(&Notice::Activated { component: component.to_owned(), generation: active.number })?;
            Ok(see(format!("/admin/components/{component}")))
        }
        Err(ControlError::Refused(words)) => Err(Refusal::stale().said(words)),
        Err(error) => Err(error.into()),
    }
}

/// A generation, for the audit.
fn told(generation: &Generation) -> Values {
    let sha256: String = generation.sha256.chars().take(12).collect();
    values([("generation", &generation.number.to_string()), ("version", &generation.version), ("sha256", &sha256)])
}

/// A refusal of the control plane, for the audit.
pub(super) fn words(error: &ControlError) -> String {
    match error {
        ControlError::Refused(words) | ControlError::Unavailable(words) => words.clone(),
        ControlError::UnknownComponent(name) => format!("unknown component {name}"),
        ControlError::UnknownGeneration(number) => format!("unknown generation {number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Language;
    use crate::pages::dashboard::tests::generation;
    use crate::pages::frame::tests::of;
    use crate::roles::Role;
    use datamp_sdk::deployments::State;

    #[test]
    fn a_change_says_from_where_to_where_and_asks_for_a_reason() {
        let page = ChangePage {
            f: of(Role::Admin, Language::English),
            change: Change::RollBack,
            component: "core",
            from: Some(generation("core", 5, State::Active)),
            target: generation("core", 4, State::Retired),
            reason: "<b>",
            reason_error: true,
        };
        let html = page.render().unwrap();
        assert!(
            html.contains("name=\"expected\" value=\"5\"") && html.contains("name=\"generation\" value=\"4\""),
            "{html}"
        );
        assert!(
            html.contains("name=\"reason\"")
                && html.contains("aria-invalid=\"true\"")
                && !html.contains("<b></textarea>")
        );
        assert!(html.contains("action=\"/admin/components/core/rollback\""));
    }

    #[test]
    fn the_audit_tells_generations_apart() {
        let told = told(&generation("core", 4, State::Retired));
        assert_eq!(told.get("generation").map(String::as_str), Some("4"));
        assert_eq!(told.get("sha256").map(String::len), Some(12));
    }
}
