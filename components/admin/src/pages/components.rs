//! Components: all of them, and one with its history. Nothing here needs any component but this one.

use askama::Template;
use datamp_sdk::Path;
use datamp_sdk::deployments::{self, Generation, State};

use super::dashboard::Line;
use super::frame::Frame;
use super::respond;
use crate::access::{Answer, Nothing, Refusal, Visit};
use crate::roles::Permission;

/// The key of a state, and its style.
pub(super) fn state(state: &State) -> (&'static str, &'static str) {
    match state {
        State::Admitted => ("state.admitted", "info"),
        State::Active => ("state.active", "good"),
        State::Draining => ("state.draining", "warn"),
        State::Retired => ("state.retired", "plain"),
        State::Rejected => ("state.rejected", "bad"),
        State::Failed => ("state.failed", "bad"),
    }
}

/// Whether a generation can be made the active one.
pub(super) fn can_activate(generation: &Generation) -> bool {
    matches!(generation.state, State::Admitted | State::Draining | State::Retired)
}

/// Which generation a rollback goes back to: the newest of those before the active one that have served, which is what the
/// control plane chooses too.
pub(super) fn rollback_target(history: &[Generation]) -> Option<&Generation> {
    let active = history.iter().find(|generation| generation.state == State::Active);
    let below = active.map_or(u64::MAX, |active| active.number);
    history
        .iter()
        .filter(|generation| generation.number < below && generation.activated_at.is_some())
        .filter(|generation| matches!(generation.state, State::Retired | State::Draining))
        .max_by_key(|generation| generation.number)
}

#[derive(Template)]
#[template(path = "pages/components.html")]
struct Components {
    f: Frame,
    lines: Vec<Line>,
}

/// `GET /admin/components`
pub(crate) fn list(visit: &Visit, _: Nothing) -> Answer {
    let lines = deployments::components()?.into_iter().map(Line::of).collect();
    Ok(respond(200, &Components { f: visit.frame("components")?, lines }))
}

#[derive(Template)]
#[template(path = "pages/component.html")]
struct OneComponent {
    f: Frame,
    line: Line,
    history: Vec<Generation>,
    /// Who looks may make another generation active.
    may_change: bool,
    /// Who looks may run the component's commands.
    may_run: bool,
}

impl OneComponent {
    fn rollback_target(&self) -> Option<&Generation> {
        rollback_target(&self.history)
    }
}

/// `GET /admin/components/{name}`
pub(crate) fn show(visit: &Visit, Path(name): Path<String>) -> Answer {
    let line = line(&name)?;
    let history = deployments::history(&name)?;
    let f = visit.frame("components")?;
    let (may_change, may_run) = (f.may(Permission::ChangeComponents), f.may(Permission::RunCommands));
    Ok(respond(200, &OneComponent { f, line, history, may_change, may_run }))
}

/// What the control plane says of one component.
pub(super) fn line(name: &str) -> Result<Line, Refusal> {
    let all = deployments::components()?;
    all.into_iter().find(|health| health.component == name).map(Line::of).ok_or_else(Refusal::not_found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Language;
    use crate::pages::dashboard::tests::{generation, health};
    use crate::pages::frame::tests::of;
    use crate::roles::Role;

    fn number(history: &[Generation]) -> Option<u64> {
        rollback_target(history).map(|generation| generation.number)
    }

    #[test]
    fn a_rollback_goes_to_the_newest_before_the_active_one_that_has_served() {
        let never = Generation { activated_at: None, ..generation("core", 4, State::Retired) };
        let history = [
            generation("core", 6, State::Retired),
            generation("core", 5, State::Active),
            never,
            generation("core", 3, State::Failed),
            generation("core", 2, State::Draining),
            generation("core", 1, State::Retired),
        ];
        assert_eq!(number(&history), Some(2));
        assert_eq!(number(&history[..2]), None);
        assert_eq!(number(&[]), None);
    }

    #[test]
    fn without_an_active_generation_the_newest_that_has_served_comes_back() {
        assert_eq!(number(&[generation("core", 2, State::Retired), generation("core", 1, State::Retired)]), Some(2));
    }

    #[test]
    fn what_failed_is_never_offered() {
        assert!(!can_activate(&generation("core", 1, State::Failed)));
        assert!(!can_activate(&generation("core", 1, State::Rejected)));
        assert!(!can_activate(&generation("core", 1, State::Active)));
        assert!(can_activate(&generation("core", 1, State::Admitted)));
    }

    fn html(role: Role) -> String {
        let noted = Generation { reason: Some("<i>because</i>".to_owned()), ..generation("core", 2, State::Retired) };
        let f = of(role, Language::English);
        let (may_change, may_run) = (f.may(Permission::ChangeComponents), f.may(Permission::RunCommands));
        let history = vec![generation("core", 3, State::Active), noted];
        OneComponent { f, line: Line::of(health("core", 5, 0)), history, may_change, may_run }.render().unwrap()
    }

    #[test]
    fn only_an_admin_is_offered_a_change() {
        let admin = html(Role::Admin);
        assert!(
            admin.contains("/admin/components/core/rollback") && admin.contains("activate?generation=2"),
            "{admin}"
        );
        let manager = html(Role::Manager);
        assert!(!manager.contains("rollback") && !manager.contains("activate?"), "{manager}");
        assert!(admin.contains("/admin/components/core/commands") && !manager.contains("/commands"), "{manager}");
        assert!(!admin.contains("<i>because"));
    }
}
