//! The first admin gives themselves a name and a password, which ends the one-time password for good.

use askama::Template;
use datamp_models::admin::Role;
use datamp_sdk::crypto::passwords;
use datamp_sdk::database::{self, Error};
use datamp_sdk::{Form, Problem, id, log, secrets};
use serde::Deserialize;

use super::frame::Frame;
use super::notice::Notice;
use super::{respond, see};
use crate::access::{Answer, Nothing, Refusal, Visit};
use crate::audit::{self, Action, Entry, values};
use crate::sessions::{store as sessions, token};
use crate::staff::passwords::check;
use crate::staff::{first_admin, profile, store};

#[derive(Template)]
#[template(path = "pages/welcome.html")]
struct Welcome {
    f: Frame,
    login: &'static str,
    name: String,
    name_error: Option<&'static str>,
    password_error: Option<&'static str>,
}

/// `GET /admin/welcome`
pub(crate) fn show(visit: &Visit, _: Nothing) -> Answer {
    show_again(visit, 200, String::new(), None, None)
}

fn show_again(
    visit: &Visit,
    status: u16,
    name: String,
    name_error: Option<&'static str>,
    password_error: Option<&'static str>,
) -> Answer {
    let f = visit.frame("login")?;
    Ok(respond(status, &Welcome { f, login: first_admin::LOGIN, name, name_error, password_error }))
}

#[derive(Deserialize)]
pub(crate) struct Given {
    #[serde(default)]
    name: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    repeated: String,
}

/// `POST /admin/welcome`
pub(crate) fn submit(visit: &Visit, Form(given): Form<Given>) -> Answer {
    let one_time = secrets::reveal("first-password").map_err(Problem::from)?;
    let name = profile::name(&given.name);
    let weakness = check(&given.password, &given.repeated, first_admin::LOGIN, &one_time).err();
    let (Some(name), None) = (name.as_deref(), weakness) else {
        let name_error = name.is_none().then_some("staff.name-wrong");
        return show_again(visit, 422, given.name, name_error, weakness.map(|weakness| weakness.key()));
    };

    let password_hash = passwords::hash(&given.password).map_err(Problem::from)?;
    let staff_id = id::new("staff");
    let token = token::new();
    let session = token::hash(&token)?;
    let done = database::transaction(|tx| {
        let new = store::New {
            id: &staff_id,
            login: first_admin::LOGIN,
            name,
            role: Role::Admin,
            password_hash: &password_hash,
            one_time_until: None,
            created_by: None,
        };
        store::add(tx, &new, visit.now())?;
        store::note_sign_in(tx, &staff_id, visit.now())?;
        sessions::close_setups(tx)?;
        sessions::open(tx, &session, Some(&staff_id), visit.now())?;
        let after = values([("login", first_admin::LOGIN), ("name", name), ("role", Role::Admin.as_str())]);
        let by = Some((staff_id.as_str(), first_admin::LOGIN));
        let entry = Entry { subject: Some(&staff_id), after, ..Entry::done(Action::StaffFirst, by) };
        audit::record(tx, &entry, &visit.origin(), visit.now())?;
        Ok::<_, Error>(())
    });
    match done {
        Ok(()) => {}
        // Somebody else was first, with the same one-time password.
        Err(Error::UniqueViolation(_)) => return Err(Refusal::expired_form()),
        Err(error) => return Err(error.into()),
    }
    log::info!("the first admin has an account"; staff = staff_id);
    sessions::leave_notice(&session, Some(&Notice::Welcome.to_json()))?;
    visit.renew(token);
    Ok(see("/admin"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Language;

    #[test]
    fn errors_stand_at_their_fields() {
        let page = Welcome {
            f: Frame::bare(Language::Russian),
            login: "admin",
            name: "<Анна>".to_owned(),
            name_error: None,
            password_error: Some("password.too-short"),
        };
        let html = page.render().unwrap();
        assert!(html.contains(Language::Russian.text("password.too-short")));
        assert!(html.contains("aria-invalid=\"true\"") && !html.contains("<Анна>"));
    }
}
