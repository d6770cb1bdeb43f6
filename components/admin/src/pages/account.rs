//! One's own account: the password, and the sessions.

use askama::Template;
use datamp_sdk::crypto::passwords;
use datamp_sdk::database::{self, Error};
use datamp_sdk::{Form, Problem, log};
use serde::Deserialize;

use super::frame::Frame;
use super::notice::Notice;

use super::{respond, see};
use crate::access::{Answer, Nothing, Visit};
use crate::audit::{self, Action, Entry, values};
use crate::sessions::attempt::Attempt;
use crate::sessions::{Member, store as sessions, token};
use crate::staff::passwords::check;
use crate::staff::store;

#[derive(Template)]
#[template(path = "pages/account.html")]
struct Account {
    f: Frame,
    member: Member,
}

/// `GET /admin/account`
pub(crate) fn show(visit: &Visit, _: Nothing) -> Answer {
    let member = visit.member()?.clone();
    Ok(respond(200, &Account { f: visit.frame("account")?, member }))
}

#[derive(Template)]
#[template(path = "pages/password.html")]
struct Password {
    f: Frame,
    member: Member,
    /// Of the field for the current password, of the new one's.
    current_error: Option<String>,
    password_error: Option<&'static str>,
}

/// `GET /admin/password`
pub(crate) fn show_password(visit: &Visit, _: Nothing) -> Answer {
    show_password_again(visit, 200, None, None)
}

fn show_password_again(
    visit: &Visit,
    status: u16,
    current_error: Option<String>,
    password_error: Option<&'static str>,
) -> Answer {
    let member = visit.member()?.clone();
    Ok(respond(status, &Password { f: visit.frame("account")?, member, current_error, password_error }))
}

#[derive(Deserialize)]
pub(crate) struct Given {
    #[serde(default)]
    current: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    repeated: String,
}

/// `POST /admin/password`. Whoever came with a one-time password has just given it; anybody else gives the current one, so
/// that a screen left open is not enough to take an account over.
pub(crate) fn submit_password(visit: &Visit, Form(given): Form<Given>) -> Answer {
    let member = visit.member()?;
    let language = visit.language();
    let attempt = match member.one_time {
        true => None,
        false => match Attempt::begin(&member.login, visit.request().client_address(), visit.now())? {
            Ok(attempt) => Some(attempt),
            Err(seconds) => {
                let error = language.fill("sign-in.wait", &[("seconds", &seconds.to_string())]);
                let page = show_password_again(visit, 429, Some(error), None)?;
                return Ok(page.header("retry-after", seconds.to_string()));
            }
        },
    };
    let old_hash = store::password_hash(&member.id)?;
    if attempt.is_some() && !passwords::verify(&given.current, &old_hash).map_err(Problem::from)? {
        return show_password_again(visit, 422, Some(language.text("password.current-wrong").to_owned()), None);
    }
    let mut weakness = check(&given.password, &given.repeated, &member.login, &given.current).err();
    if weakness.is_none() && member.one_time && passwords::verify(&given.password, &old_hash).map_err(Problem::from)? {
        weakness = Some(crate::staff::passwords::Weakness::Same);
    }
    if let Some(weakness) = weakness {
        return show_password_again(visit, 422, None, Some(weakness.key()));
    }

    let hash = passwords::hash(&given.password).map_err(Problem::from)?;
    let token = token::new();
    let session = token::hash(&token)?;
    database::transaction(|tx| {
        store::set_password(tx, &member.id, &hash, None)?;
        let ended = sessions::close_all(tx, &member.id)?.saturating_sub(1);
        sessions::open(tx, &session, Some(&member.id), visit.now())?;
        if let Some(attempt) = &attempt {
            attempt.succeed(tx, visit.now())?;
        }
        let after = values([("sessions-ended", &ended.to_string())]);
        let entry = Entry { subject: Some(&member.id), after, ..Entry::by(member, Action::StaffPassword) };
        audit::record(tx, &entry, &visit.origin(), visit.now())?;
        Ok::<_, Error>(())
    })?;
    log::info!("a password was changed"; staff = member.id);
    sessions::leave_notice(&session, Some(&Notice::PasswordChanged.to_json()))?;
    visit.renew(token);
    Ok(see(if member.one_time { "/admin" } else { "/admin/account" }))
}

/// `POST /admin/account/sessions`: ends all sessions but this one, which gets no longer life by it.
pub(crate) fn sign_out_others(visit: &Visit, _: Nothing) -> Answer {
    let member = visit.member()?;
    let this = visit.session().map_or("", |session| session.hash.as_str());
    database::transaction(|tx| {
        let ended = sessions::close_others(tx, &member.id, this)?;
        let after = values([("sessions-ended", &ended.to_string())]);
        let entry = Entry { subject: Some(&member.id), after, ..Entry::by(member, Action::SessionCloseAll) };
        audit::record(tx, &entry, &visit.origin(), visit.now())?;
        Ok::<_, Error>(())
    })?;
    visit.leave(&Notice::OthersSignedOut)?;
    Ok(see("/admin/account"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Language;
    use crate::roles::Role;

    fn page(one_time: bool) -> String {
        let member =
            Member { id: "staff_1".into(), login: "anna".into(), name: "Anna".into(), role: Role::Support, one_time };
        let f = Frame::bare(Language::English);
        Password { f, member, current_error: None, password_error: None }.render().unwrap()
    }

    #[test]
    fn only_who_came_with_a_one_time_password_is_not_asked_for_it_again() {
        assert!(page(false).contains("name=\"current\""));
        assert!(!page(true).contains("name=\"current\""));
    }
}
