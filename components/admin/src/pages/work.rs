//! Deferred work: events and jobs that wait or are dead letters, dead letters given their life again, and schedules.

use askama::Template;
use datamp_models::admin::AuditOutcome;
use datamp_sdk::deployments::ControlError;
use datamp_sdk::deployments::work::{self, Kind, Letter, LetterState, Schedule, Which};
use datamp_sdk::{Form, Query, log};
use serde::Deserialize;

use super::change::words;
use super::frame::Frame;
use super::notice::Notice;
use super::paging::{Pager, ROWS, address, given};
use super::{respond, see};
use crate::access::{Answer, Refusal, Visit};
use crate::audit::{Action, Begun, Entry, Values, values};
use crate::roles::Permission;

const PATH: &str = "/admin/deferred";

/// Characters of an id or of a component's name, at most.
const LONGEST: usize = 200;

/// Characters of an error that are shown at once.
const BRIEF: usize = 80;

fn kind_of(name: &str) -> Option<Kind> {
    [Kind::Event, Kind::Job].into_iter().find(|kind| kind_name(*kind) == name)
}

/// Its name in addresses and in the audit.
fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Event => "event",
        Kind::Job => "job",
    }
}

/// The key of a state, and its style.
fn state(state: &LetterState) -> (&'static str, &'static str) {
    match state {
        LetterState::Waiting => ("work.state.waiting", "plain"),
        LetterState::Working => ("work.state.working", "info"),
        LetterState::Dead => ("work.state.dead", "bad"),
    }
}

/// The beginning of an error; nothing where all of it is short enough.
fn brief(error: &str) -> Option<String> {
    let (end, _) = error.char_indices().nth(BRIEF)?;
    error.get(..end).map(|beginning| format!("{}…", beginning.trim_end()))
}

/// A field as it is looked for. Too long a one, or one with control characters, is no id and no name of anything.
fn fitting(text: Option<&str>) -> Result<Option<&str>, Refusal> {
    let text = given(text);
    if text.is_some_and(|text| text.chars().count() > LONGEST || text.chars().any(char::is_control)) {
        return Err(Refusal::invalid().said("An id or a component's name is 1 to 200 characters on one line."));
    }
    Ok(text)
}

/// What is listed.
#[derive(Clone, Debug, PartialEq)]
struct View {
    kind: Kind,
    /// Dead letters, not what waits.
    dead: bool,
    /// Of this component; empty for all.
    component: String,
}

/// A kind of what can be listed, to go to.
struct Tab {
    key: &'static str,
    href: String,
    current: bool,
}

impl View {
    /// Dead events where nothing else is asked for.
    fn of(asked: &Asked) -> Result<Self, Refusal> {
        Ok(Self {
            kind: given(asked.kind.as_deref()).and_then(kind_of).unwrap_or(Kind::Event),
            dead: given(asked.state.as_deref()) != Some("alive"),
            component: fitting(asked.component.as_deref())?.unwrap_or_default().to_owned(),
        })
    }

    fn kind_name(&self) -> &'static str {
        kind_name(self.kind)
    }

    fn state_name(&self) -> &'static str {
        if self.dead { "dead" } else { "alive" }
    }

    fn pairs(&self) -> [(&'static str, &str); 3] {
        [("kind", self.kind_name()), ("state", self.state_name()), ("component", &self.component)]
    }

    fn href(&self) -> String {
        address(PATH, self.pairs())
    }

    /// The same of all components.
    fn of_all(&self) -> Self {
        Self { component: String::new(), ..self.clone() }
    }

    fn filter(&self) -> work::Filter {
        let component = Some(self.component.clone()).filter(|component| !component.is_empty());
        work::Filter { component, name: None, dead: Some(self.dead) }
    }

    /// Dead and waiting events and jobs, of the same component.
    fn tabs(&self) -> [Tab; 4] {
        [(Kind::Event, true), (Kind::Event, false), (Kind::Job, true), (Kind::Job, false)].map(|(kind, dead)| {
            let view = Self { kind, dead, component: self.component.clone() };
            Tab { key: view.title_key(), href: view.href(), current: view == *self }
        })
    }

    fn title_key(&self) -> &'static str {
        match (self.kind, self.dead) {
            (Kind::Event, true) => "work.dead-events",
            (Kind::Event, false) => "work.waiting-events",
            (Kind::Job, true) => "work.dead-jobs",
            (Kind::Job, false) => "work.waiting-jobs",
        }
    }

    fn none_key(&self) -> &'static str {
        match (self.kind, self.dead) {
            (Kind::Event, true) => "work.no-dead-events",
            (Kind::Event, false) => "work.no-waiting-events",
            (Kind::Job, true) => "work.no-dead-jobs",
            (Kind::Job, false) => "work.no-waiting-jobs",
        }
    }

    /// What a letter's name is.
    fn name_key(&self) -> &'static str {
        match self.kind {
            Kind::Event => "work.topic",
            Kind::Job => "work.job",
        }
    }
}

#[derive(Template)]
#[template(path = "pages/work.html")]
struct Work {
    f: Frame,
    view: View,
    letters: Vec<Letter>,
    pager: Pager,
    schedules: Vec<Schedule>,
    /// What is listed can be replayed, and who looks may.
    may_replay: bool,
}

#[derive(Deserialize)]
pub(crate) struct Asked {
    kind: Option<String>,
    state: Option<String>,
    component: Option<String>,
    after: Option<String>,
}

/// `GET /admin/deferred`
pub(crate) fn show(visit: &Visit, Query(asked): Query<Asked>) -> Answer {
    let view = View::of(&asked)?;
    let after = fitting(asked.after.as_deref())?;
    let (letters, next) = letters(&view, after)?;
    let pager = Pager::new(PATH, &view.pairs(), after, next.as_deref());
    let mut schedules = work::schedules()?;
    schedules.retain(|schedule| view.component.is_empty() || schedule.component == view.component);
    let f = visit.frame("work")?;
    let may_replay = view.dead && f.may(Permission::RunCommands);
    Ok(respond(200, &Work { f, view, letters, pager, schedules, may_replay }))
}

/// A page of letters, and after which one the next page begins.
fn letters(view: &View, after: Option<&str>) -> Result<(Vec<Letter>, Option<String>), ControlError> {
    // One more than is shown tells whether there is a next page.
    let mut letters = work::letters(view.kind, &view.filter(), after, ROWS + 1)?;
    let shown = usize::try_from(ROWS).unwrap_or(usize::MAX);
    let more = letters.len() > shown;
    letters.truncate(shown);
    let next = letters.last().filter(|_| more).map(|letter| letter.id.clone());
    Ok((letters, next))
}

#[derive(Deserialize)]
pub(crate) struct Given {
    kind: Option<String>,
    /// One letter's.
    id: Option<String>,
    /// All letters of this one, in place of one letter.
    component: Option<String>,
    /// The component whose letters the page of the form listed.
    listed: Option<String>,
}

/// What is to be replayed.
#[derive(Debug, PartialEq)]
struct Order {
    kind: Kind,
    which: Which,
    /// The component whose letters are listed afterwards; empty for all.
    listed: String,
}

impl Order {
    fn of(given: &Given) -> Result<Self, Refusal> {
        let kind = given
            .kind
            .as_deref()
            .and_then(kind_of)
            .ok_or_else(|| Refusal::invalid().said("The kind is event or job."))?;
        let component = fitting(given.component.as_deref())?;
        let listed = fitting(given.listed.as_deref())?.or(component).unwrap_or_default().to_owned();
        let which = match (fitting(given.id.as_deref())?, component) {
            (Some(id), None) => Which::One(id.to_owned()),
            (None, Some(component)) => Which::AllOf((component.to_owned(), None)),
            _ => return Err(Refusal::invalid().said("Either one letter is replayed, or all of a component.")),
        };
        Ok(Self { kind, which, listed })
    }

    /// The component, or the letter's id.
    fn subject(&self) -> &str {
        match &self.which {
            Which::One(id) => id,
            Which::AllOf((component, _)) => component,
        }
    }

    /// It, for the audit.
    fn told(&self) -> Values {
        let which = match &self.which {
            Which::One(_) => "id",
            Which::AllOf(_) => "component",
        };
        values([("kind", kind_name(self.kind)), (which, self.subject())])
    }

    /// The list that its form stood on.
    fn back(self) -> View {
        View { kind: self.kind, dead: true, component: self.listed }
    }
}

/// `POST /admin/deferred/replay`
pub(crate) fn replay(visit: &Visit, Form(given): Form<Given>) -> Answer {
    let member = visit.member()?;
    let order = Order::of(&given)?;
    let entry = Entry { subject: Some(order.subject()), after: order.told(), ..Entry::by(member, Action::WorkReplay) };
    let begun = Begun::new(visit, entry)?;
    let answer = work::replay(order.kind, &order.which);
    match &answer {
        Ok(replayed) => begun.end(AuditOutcome::Done, values([("replayed", &replayed.to_string())])),
        // Whether it was done nobody knows, as the record of its start says.
        Err(ControlError::Unavailable(_)) => {}
        Err(error) => begun.end(AuditOutcome::Refused, values([("refusal", &words(error))])),
    }
    match answer {
        Ok(replayed) => {
            log::info!("dead letters were replayed"; replayed = replayed, staff = member.id);
            visit.leave(&notice(replayed))?;
            Ok(see(order.back().href()))
        }
        Err(ControlError::Refused(words)) => Err(Refusal::stale().said(words)),
        Err(error) => Err(error.into()),
    }
}

/// What the next page says. That nothing was there to replay is no error: somebody else was faster, or a newer letter.
fn notice(replayed: u64) -> Notice {
    match replayed {
        0 => Notice::NothingReplayed,
        count => Notice::Replayed { count },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Language;
    use crate::pages::frame::tests::of;
    use crate::roles::Role;

    const ID: &str = "work_01h455vb4pex5vsknk084sn02q";

    fn letter(error: Option<&str>) -> Letter {
        Letter {
            id: ID.to_owned(),
            component: "core".to_owned(),
            name: "shop.<created>".to_owned(),
            key: "event_01h455vb4pex5vsknk084sn02q".to_owned(),
            origin: "core".to_owned(),
            state: LetterState::Dead,
            created_at: "2026-11-23T16:09:05Z".to_owned(),
            due_at: "2026-11-23T16:10:05Z".to_owned(),
            attempts: 12,
            last_error: error.map(str::to_owned),
            dead_at: Some("2026-11-24T16:09:05Z".to_owned()),
        }
    }

    fn view(dead: bool, component: &str) -> View {
        View { kind: Kind::Event, dead, component: component.to_owned() }
    }

    fn page(role: Role, language: Language, view: View, letters: Vec<Letter>) -> String {
        let f = of(role, language);
        let may_replay = view.dead && f.may(Permission::RunCommands);
        let pager = Pager::new(PATH, &view.pairs(), None, Some(ID));
        let schedule = Schedule {
            component: "core".to_owned(),
            name: "sweep".to_owned(),
            cron: "0 * * * *".to_owned(),
            next_at: None,
        };
        Work { f, view, letters, pager, schedules: vec![schedule], may_replay }.render().unwrap()
    }

    #[test]
    fn what_components_say_is_escaped_in_both_languages() {
        let error = format!("<img src=x> {}\" & the end", "far too long ".repeat(10));
        for language in Language::ALL {
            let html = page(Role::Admin, language, view(true, ""), vec![letter(Some(&error))]);
            assert!(!html.contains("<img") && !html.contains("<created>"), "{html}");
            assert!(html.contains("&#60;img src=x&#62;") && html.contains("&#34; &#38; the end"), "{html}");
            assert!(html.contains("<details>") && html.contains('…'), "{html}");
            for key in ["nav.work", "work.dead-events", "work.state.dead", "work.died", "work.schedules"] {
                assert!(html.contains(language.text(key)), "{key}: {html}");
            }
            assert!(html.contains("href=\"/admin/components/core\"") && html.contains("0 * * * *"), "{html}");
        }
    }

    #[test]
    fn only_who_may_is_offered_to_replay_dead_letters() {
        let form = "action=\"/admin/deferred/replay\"";
        for language in Language::ALL {
            let html = |role, view| page(role, language, view, vec![letter(None)]);
            let admin = html(Role::Admin, view(true, ""));
            assert_eq!(admin.matches(form).count(), 1, "{admin}");
            assert!(admin.contains(&format!("name=\"id\" value=\"{ID}\"")) && admin.contains("value=\"form-token\""));
            assert_eq!(html(Role::Admin, view(false, "")).matches(form).count(), 0, "what lives needs no replay");
            for role in [Role::Support, Role::Manager] {
                assert_eq!(html(role, view(true, "core")).matches(form).count(), 0);
            }
        }
    }

    #[test]
    fn all_of_a_component_are_replayed_where_only_its_own_are_listed() {
        let own = page(Role::Admin, Language::English, view(true, "core"), vec![letter(None)]);
        assert!(own.contains("name=\"component\" value=\"core\"") && own.contains("name=\"listed\" value=\"core\""));
        assert!(own.contains(Language::English.text("work.of-all-components")), "{own}");
        let all = page(Role::Admin, Language::English, view(true, ""), vec![letter(None)]);
        assert!(!all.contains(Language::English.text("work.replay-all")), "{all}");
        assert!(!all.contains("name=\"listed\"") && !all.contains(Language::English.text("work.of-all-components")));
    }

    #[test]
    fn an_empty_list_says_so() {
        for language in Language::ALL {
            let html = page(Role::Support, language, view(true, ""), Vec::new());
            assert!(html.contains(language.text("work.no-dead-events")), "{html}");
            let html = page(Role::Admin, language, view(true, "<core>"), Vec::new());
            assert!(html.contains("&#60;core&#62;") && !html.contains("<core>"), "{html}");
            assert!(!html.contains("action=\"/admin/deferred/replay\""), "there is nothing to replay");
        }
    }

    #[test]
    fn dead_events_are_listed_where_nothing_else_is_asked_for() {
        let asked = |kind: &str, state: &str, component: &str| {
            let [kind, state, component] = [kind, state, component].map(|text| Some(text.to_owned()));
            View::of(&Asked { kind, state, component, after: None })
        };
        assert_eq!(View::of(&Asked { kind: None, state: None, component: None, after: None }), Ok(view(true, "")));
        assert_eq!(asked("of-tomorrow", "", " core "), Ok(view(true, "core")));
        let jobs = asked("job", "alive", "a&b").unwrap();
        assert_eq!(jobs.href(), "/admin/deferred?kind=job&state=alive&component=a%26b");
        assert_eq!(jobs.of_all().href(), "/admin/deferred?kind=job&state=alive");
        assert_eq!(jobs.tabs().iter().filter(|tab| tab.current).count(), 1);
        assert_eq!(jobs.filter().component.as_deref(), Some("a&b"));
        assert_eq!(jobs.of_all().filter().component, None);
        assert_eq!(asked("job", "dead", &"a".repeat(201)).unwrap_err().status, 422);
    }

    fn order(kind: &str, id: &str, component: &str, listed: &str) -> Result<Order, Refusal> {
        let [kind, id, component, listed] = [kind, id, component, listed].map(|text| Some(text.to_owned()));
        Order::of(&Given { kind, id, component, listed })
    }

    #[test]
    fn one_letter_is_replayed_or_all_of_a_component() {
        let one = order("event", ID, "", "core").unwrap();
        assert_eq!((&one.which, one.subject()), (&Which::One(ID.to_owned()), ID));
        assert_eq!(one.told(), values([("kind", "event"), ("id", ID)]));
        assert_eq!(one.back().href(), "/admin/deferred?kind=event&state=dead&component=core");
        let all = order("job", "", "core", "").unwrap();
        assert_eq!((&all.which, all.subject()), (&Which::AllOf(("core".to_owned(), None)), "core"));
        assert_eq!(all.told(), values([("kind", "job"), ("component", "core")]));
        assert_eq!(all.back().href(), "/admin/deferred?kind=job&state=dead&component=core");
        assert_eq!(order("job", ID, "", "").unwrap().back().href(), "/admin/deferred?kind=job&state=dead");
    }

    #[test]
    fn what_is_no_order_is_refused() {
        let refused = |kind: &str, id: &str, component: &str| order(kind, id, component, "").unwrap_err().status;
        assert_eq!(refused("", ID, ""), 422);
        assert_eq!(refused("letter", ID, ""), 422);
        assert_eq!(refused("event", " ", ""), 422);
        assert_eq!(refused("event", ID, "core"), 422, "one of the two");
        assert_eq!(refused("event", &"я".repeat(201), ""), 422);
        assert_eq!(refused("event", "a\0b", ""), 422);
        assert!(order("event", &"я".repeat(200), "", "").is_ok());
    }

    #[test]
    fn a_letter_that_is_gone_is_told_and_is_no_error() {
        assert_eq!(notice(0), Notice::NothingReplayed);
        assert_eq!(notice(3), Notice::Replayed { count: 3 });
    }

    #[test]
    fn only_a_long_error_is_shortened() {
        assert_eq!(brief(&"я".repeat(80)), None);
        assert_eq!(brief(&"я".repeat(81)), Some(format!("{}…", "я".repeat(80))));
        assert_eq!(brief(""), None);
    }

    #[test]
    fn kinds_are_found_by_their_names() {
        for (name, kind) in [("event", Kind::Event), ("job", Kind::Job)] {
            assert_eq!((kind_of(name), kind_name(kind)), (Some(kind), name));
        }
    }
}
