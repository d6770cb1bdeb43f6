//! Signing in and out.

use askama::Template;
use datamp_sdk::crypto::passwords;
use datamp_sdk::database::{self, Error, Transaction};
use datamp_sdk::{Form, Query, Response, log, secrets};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::frame::Frame;
use super::{local, respond, see};
use crate::access::{Answer, Nothing, Refusal, Visit};
use crate::audit::{self, Action, Entry};
use crate::sessions::attempt::Attempt;
use crate::sessions::{store as sessions, token};
use crate::staff::store::Credentials;
use crate::staff::{first_admin, store};
use datamp_models::admin::AuditOutcome;

/// The page to sign in, which leads on to where somebody wanted to go.
pub(crate) fn target(here: &str) -> String {
    match local(here) {
        "/admin" => "/admin/login".to_owned(),
        next => format!("/admin/login?next={}", utf8_percent_encode(next, NON_ALPHANUMERIC)),
    }
}

#[derive(Template)]
#[template(path = "pages/sign_in.html")]
struct SignIn {
    f: Frame,
    login: String,
    next: String,
    error: Option<String>,
    /// Nobody has an account yet: says how the first gets in.
    first: bool,
}

#[derive(Deserialize)]
pub(crate) struct Next {
    #[serde(default)]
    next: String,
}

/// `GET /admin/login`
pub(crate) fn show(visit: &Visit, Query(Next { next }): Query<Next>) -> Answer {
    if visit.session().is_some() {
        return Ok(see("/admin"));
    }
    show_again(visit, 200, String::new(), next, None)
}

fn show_again(visit: &Visit, status: u16, login: String, next: String, error: Option<String>) -> Answer {
    let f = visit.frame("login")?;
    let first = !store::exist()?;
    Ok(respond(status, &SignIn { f, login, next: local(&next).to_owned(), error, first }))
}

#[derive(Deserialize)]
pub(crate) struct Given {
    #[serde(default)]
    login: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    next: String,
}

/// Whom a login and a password belong to.
enum Verdict {
    Member(String),
    /// The one-time password's days are over.
    Expired(String),
    FirstAdmin,
    /// Nobody; the id of whoever has the login, if anybody has.
    Nobody(Option<String>),
}

/// `POST /admin/login`
pub(crate) fn submit(visit: &Visit, Form(given): Form<Given>) -> Answer {
    let login = given.login.trim().to_lowercase();
    let attempt = match Attempt::begin(&login, visit.request().client_address(), visit.now())? {
        Ok(attempt) => attempt,
        Err(seconds) => return too_early(visit, given, seconds),
    };
    match judge(visit, &login, &given.password)? {
        Verdict::Member(id) => enter(visit, &attempt, Some((&id, &login)), local(&given.next)),
        Verdict::FirstAdmin => enter(visit, &attempt, None, "/admin/welcome"),
        Verdict::Expired(id) => {
            refuse(visit, Some(&id))?;
            let error = visit.language().text("sign-in.expired").to_owned();
            show_again(visit, 422, given.login, given.next, Some(error))
        }
        Verdict::Nobody(id) => {
            refuse(visit, id.as_deref())?;
            let error = visit.language().text("sign-in.wrong").to_owned();
            show_again(visit, 422, given.login, given.next, Some(error))
        }
    }
}

/// Takes as long for a login that nobody has as for one that somebody has.
fn judge(visit: &Visit, login: &str, password: &str) -> Result<Verdict, Refusal> {
    let found = store::credentials(login)?;
    let staff_exist = store::exist()?;
    let right = match &found {
        Some(Credentials { password_hash, disabled_at: None, .. }) => passwords::verify(password, password_hash),
        _ => passwords::verify_nothing(password).map(|()| false),
    };
    let right = match right {
        Ok(right) => right,
        Err(passwords::PasswordError::TooLong) => false,
        Err(error) => return Err(datamp_sdk::Problem::from(error).into()),
    };
    let now = visit.now().as_micros();
    Ok(match found {
        Some(Credentials { id, one_time_until: Some(until), .. }) if right && until <= now => Verdict::Expired(id),
        Some(Credentials { id, .. }) if right => Verdict::Member(id),
        Some(Credentials { id, .. }) => Verdict::Nobody(Some(id)),
        None if first_admin::may_set_up(staff_exist, login, password, one_time_password(staff_exist).as_deref()) => {
            Verdict::FirstAdmin
        }
        None => Verdict::Nobody(None),
    })
}

/// Not asked for once it is worthless.
fn one_time_password(staff_exist: bool) -> Option<String> {
    if staff_exist {
        return None;
    }
    match secrets::reveal("first-password") {
        Ok(password) => Some(password),
        Err(error) => {
            log::error!("the one-time password of the first admin can't be had: {:?}", error);
            None
        }
    }
}

/// Opens a session under a new token, of nobody for the first admin.
fn enter(visit: &Visit, attempt: &Attempt, member: Option<(&str, &str)>, next: &str) -> Answer {
    let token = token::new();
    let hash = token::hash(&token)?;
    database::transaction(|tx| {
        if let Some(old) = visit.session() {
            sessions::close(tx, &old.hash)?;
        }
        sessions::open(tx, &hash, member.map(|(id, _)| id), visit.now())?;
        attempt.succeed(tx, visit.now())?;
        if let Some((id, _)) = member {
            store::note_sign_in(tx, id, visit.now())?;
            audit::record(tx, &Entry::done(Action::SessionOpen, member), &visit.origin(), visit.now())?;
        }
        Ok::<_, Error>(())
    })?;
    match member {
        Some((id, _)) => log::info!("signed in"; staff = id),
        None => log::info!("the first admin sets up"),
    }
    visit.renew(token);
    Ok(see(next))
}

fn refuse(visit: &Visit, subject: Option<&str>) -> Result<(), Refusal> {
    log::warn!("a sign-in was refused"; staff = subject.unwrap_or("none"), client.ip = visit.request().client_address());
    let entry = Entry { outcome: AuditOutcome::Refused, subject, ..Entry::done(Action::SessionRefuse, None) };
    let record = |tx: &Transaction| audit::record(tx, &entry, &visit.origin(), visit.now());
    Ok(database::transaction(record).map(drop)?)
}

fn too_early(visit: &Visit, given: Given, seconds: u32) -> Answer {
    let error = visit.language().fill("sign-in.wait", &[("seconds", &seconds.to_string())]);
    let page: Response = show_again(visit, 429, given.login, given.next, Some(error))?;
    Ok(page.header("retry-after", seconds.to_string()))
}

/// `POST /admin/logout`
pub(crate) fn leave(visit: &Visit, _: Nothing) -> Answer {
    if let Some(session) = visit.session() {
        database::transaction(|tx| {
            sessions::close(tx, &session.hash)?;
            if let Some(member) = &session.member {
                audit::record(tx, &Entry::by(member, Action::SessionClose), &visit.origin(), visit.now())?;
            }
            Ok::<_, Error>(())
        })?;
    }
    visit.renew(token::new());
    Ok(see("/admin/login"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Language;

    #[test]
    fn signing_in_leads_on_to_where_one_wanted_to_go() {
        assert_eq!(target("/admin"), "/admin/login");
        assert_eq!(target("/admin/shops?search=a b"), "/admin/login");
        assert_eq!(target("/admin/shops?search=a"), "/admin/login?next=%2Fadmin%2Fshops%3Fsearch%3Da");
    }

    #[test]
    fn what_was_typed_comes_back_escaped_and_the_password_never() {
        let page = SignIn {
            f: Frame { csrf: "form-token".to_owned(), ..Frame::bare(Language::English) },
            login: "\"><script>".to_owned(),
            next: "/admin".to_owned(),
            error: Some("no".to_owned()),
            first: false,
        };
        let html = page.render().unwrap();
        assert!(!html.contains("\"><script>"), "{html}");
        assert!(html.contains("name=\"csrf\" value=\"form-token\""));
        assert!(html.contains("autocomplete=\"current-password\""));
    }
}
