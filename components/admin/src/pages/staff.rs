//! The staff: everybody, and somebody new.

use askama::Template;
use datamp_sdk::crypto::{self, passwords};
use datamp_sdk::database::{self, Error};
use datamp_sdk::{Form, Problem, id, log};
use serde::Deserialize;

use super::frame::Frame;
use super::respond;
use crate::access::{Answer, Nothing, Refusal, Visit};
use crate::audit::{self, Action, Entry, values};
use crate::roles::Role;
use crate::staff::passwords::{ONE_TIME, one_time};
use crate::staff::{profile, store};

/// The key of a role's name.
pub(super) fn role_key(role: Role) -> &'static str {
    match role {
        Role::Support => "role.support",
        Role::Manager => "role.manager",
        Role::Admin => "role.admin",
    }
}

/// The key of what a role may do.
pub(super) fn role_text_key(role: Role) -> &'static str {
    match role {
        Role::Support => "role.support-text",
        Role::Manager => "role.manager-text",
        Role::Admin => "role.admin-text",
    }
}

/// The key of how somebody stands, and its style.
pub(super) fn standing(member: &store::Staff) -> (&'static str, &'static str) {
    match (member.disabled_at, member.one_time_until) {
        (Some(_), _) => ("staff.disabled", "plain"),
        (None, Some(_)) => ("staff.invited", "info"),
        (None, None) => ("staff.active", "good"),
    }
}

#[derive(Template)]
#[template(path = "pages/staff.html")]
struct StaffPage {
    f: Frame,
    members: Vec<store::Staff>,
    given: Given,
    login_error: Option<&'static str>,
    name_error: Option<&'static str>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Given {
    #[serde(default)]
    login: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    role: String,
}

/// `GET /admin/staff`
pub(crate) fn list(visit: &Visit, _: Nothing) -> Answer {
    let given = Given { role: Role::Support.as_str().to_owned(), ..Given::default() };
    list_again(visit, 200, given, None, None)
}

fn list_again(
    visit: &Visit,
    status: u16,
    given: Given,
    login_error: Option<&'static str>,
    name_error: Option<&'static str>,
) -> Answer {
    let page = StaffPage { f: visit.frame("staff")?, members: store::all()?, given, login_error, name_error };
    Ok(respond(status, &page))
}

/// A one-time password, shown this once.
#[derive(Template)]
#[template(path = "pages/one_time.html")]
pub(super) struct OneTime {
    pub(super) f: Frame,
    pub(super) id: String,
    pub(super) login: String,
    pub(super) password: String,
    pub(super) until: datamp_sdk::Timestamp,
}

/// `POST /admin/staff`: adds a member with a one-time password. The answer shows it and is no redirect: it is kept nowhere.
pub(crate) fn add(visit: &Visit, Form(given): Form<Given>) -> Answer {
    let member = visit.member()?;
    let role: Role = given.role.parse().map_err(|_| Refusal::not_found())?;
    let (login, name) = match (profile::login(&given.login), profile::name(&given.name)) {
        (Some(login), Some(name)) => (login, name),
        (login, name) => {
            let login_error = login.is_none().then_some("staff.login-wrong");
            let name_error = name.is_none().then_some("staff.name-wrong");
            return list_again(visit, 422, given, login_error, name_error);
        }
    };

    let password = one_time(crypto::random_bytes());
    let password_hash = passwords::hash(&password).map_err(Problem::from)?;
    let until = visit.now() + std::time::Duration::from_micros(ONE_TIME.unsigned_abs());
    let staff_id = id::new("staff");
    let done = database::transaction(|tx| {
        // Whether the actor still may is looked at under the same lock as every change of roles.
        if store::lock(tx, &member.id, &staff_id)?.is_none() {
            return Ok(false);
        }
        let new = store::New {
            id: &staff_id,
            login: &login,
            name: &name,
            role,
            password_hash: &password_hash,
            one_time_until: Some(until.as_micros()),
            created_by: Some(&member.id),
        };
        store::add(tx, &new, visit.now())?;
        let after = values([("login", &login), ("name", &name), ("role", role.as_str())]);
        let entry = Entry { subject: Some(&staff_id), after, ..Entry::by(member, Action::StaffAdd) };
        audit::record(tx, &entry, &visit.origin(), visit.now())?;
        Ok::<_, Error>(true)
    });
    match done {
        Ok(true) => {}
        Ok(false) => return Err(Refusal::forbidden()),
        Err(Error::UniqueViolation(_)) => return list_again(visit, 422, given, Some("staff.login-taken"), None),
        Err(error) => return Err(error.into()),
    }
    log::info!("a member of staff was added"; staff = member.id, added = staff_id);
    Ok(respond(201, &OneTime { f: visit.frame("staff")?, id: staff_id, login, password, until }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Language;
    use crate::pages::frame::tests::of;
    use datamp_sdk::Timestamp;

    pub(crate) fn member(login: &str) -> store::Staff {
        store::Staff {
            id: "staff_1".to_owned(),
            login: login.to_owned(),
            name: "<Anna>".to_owned(),
            role: Role::Manager,
            one_time_until: None,
            disabled_at: None,
            created_at: Timestamp::from_seconds(1_795_450_145),
            signed_in_at: None,
        }
    }

    #[test]
    fn names_are_escaped_and_errors_stand_at_their_fields() {
        let page = StaffPage {
            f: of(Role::Admin, Language::English),
            members: vec![member("anna")],
            given: Given { login: "\"x".to_owned(), name: String::new(), role: "manager".to_owned() },
            login_error: Some("staff.login-taken"),
            name_error: None,
        };
        let html = page.render().unwrap();
        assert!(!html.contains("<Anna>") && html.contains(Language::English.text("staff.login-taken")), "{html}");
        assert!(html.contains("value=\"manager\" selected"), "{html}");
    }

    #[test]
    fn standing_is_told_in_order_of_weight() {
        let now = Some(Timestamp::from_seconds(1));
        assert_eq!(standing(&member("a")).0, "staff.active");
        assert_eq!(standing(&store::Staff { one_time_until: now, ..member("a") }).0, "staff.invited");
        assert_eq!(
            standing(&store::Staff { one_time_until: now, disabled_at: now, ..member("a") }).0,
            "staff.disabled"
        );
    }
}
