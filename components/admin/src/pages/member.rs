//! One member of staff: role, one-time password, whether they can sign in. Nobody changes themselves here, so that there is
//! always an admin left.

use askama::Template;
use datamp_sdk::crypto::{self, passwords};
use datamp_sdk::database::{self, Error, Transaction};
use datamp_sdk::{Form, Path, Problem, Timestamp, log};
use serde::Deserialize;

use super::frame::Frame;
use super::notice::Notice;
use super::staff::OneTime;
use super::{respond, see};
use crate::access::{And, Answer, Refusal, Visit};
use crate::audit::{self, Action, Entry, Values, values};
use crate::roles::Role;
use crate::sessions::store as sessions;
use crate::staff::passwords::{ONE_TIME, one_time};
use crate::staff::store::{self, Staff};

#[derive(Template)]
#[template(path = "pages/member.html")]
struct MemberPage {
    f: Frame,
    member: Staff,
    oneself: bool,
}

/// `GET /admin/staff/{id}`
pub(crate) fn show(visit: &Visit, Path(id): Path<String>) -> Answer {
    let oneself = visit.member()?.id == id;
    let member = store::get(&id)?.ok_or_else(Refusal::not_found)?;
    Ok(respond(200, &MemberPage { f: visit.frame("staff")?, member, oneself }))
}

/// Why a member was not changed.
enum Unchanged {
    /// Who asked is no admin any more, or meant themselves.
    Forbidden,
    NotFound,
    /// It is so already.
    Same,
    Failed(Error),
}

impl From<Error> for Unchanged {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Unchanged> for Refusal {
    fn from(unchanged: Unchanged) -> Self {
        match unchanged {
            Unchanged::Forbidden => Self::forbidden(),
            Unchanged::NotFound => Self::not_found(),
            Unchanged::Same => Self::stale(),
            Unchanged::Failed(error) => error.into(),
        }
    }
}

/// Changes somebody else and writes it down, in one transaction under the lock of all admins. `change` answers the values
/// before and after. Ends their sessions: what they may do is another thing now.
fn change(
    visit: &Visit,
    id: &str,
    action: Action,
    change: impl Fn(&Transaction, &Staff) -> Result<(Values, Values), Unchanged>,
) -> Result<Staff, Refusal> {
    let actor = visit.member()?;
    let member = database::transaction(|tx| {
        if actor.id == id {
            return Err(Unchanged::Forbidden);
        }
        let member = store::lock(tx, &actor.id, id)?.ok_or(Unchanged::Forbidden)?.ok_or(Unchanged::NotFound)?;
        let (before, after) = change(tx, &member)?;
        sessions::close_all(tx, id)?;
        let entry = Entry { subject: Some(id), before, after, ..Entry::by(actor, action) };
        audit::record(tx, &entry, &visit.origin(), visit.now())?;
        Ok(member)
    })?;
    log::info!("a member of staff was changed"; action = action.as_str(), staff = actor.id, changed = id);
    Ok(member)
}

#[derive(Deserialize)]
pub(crate) struct NewRole {
    role: String,
}

/// `POST /admin/staff/{id}/role`
pub(crate) fn set_role(visit: &Visit, And(Path(id), Form(given)): And<Path<String>, Form<NewRole>>) -> Answer {
    let role: Role = given.role.parse().map_err(|_| Refusal::not_found())?;
    let member = change(visit, &id, Action::StaffRole, |tx, member| {
        if member.role == role {
            return Err(Unchanged::Same);
        }
        store::set_role(tx, &id, role)?;
        Ok((values([("role", member.role.as_str())]), values([("role", role.as_str())])))
    })?;
    visit.leave(&Notice::RoleChanged { login: member.login })?;
    Ok(see(format!("/admin/staff/{id}")))
}

/// `POST /admin/staff/{id}/disable`
pub(crate) fn disable(visit: &Visit, Path(id): Path<String>) -> Answer {
    let member = change(visit, &id, Action::StaffDisable, |tx, member| toggle(tx, member, Some(visit.now())))?;
    visit.leave(&Notice::Disabled { login: member.login })?;
    Ok(see(format!("/admin/staff/{id}")))
}

/// `POST /admin/staff/{id}/enable`
pub(crate) fn enable(visit: &Visit, Path(id): Path<String>) -> Answer {
    let member = change(visit, &id, Action::StaffEnable, |tx, member| toggle(tx, member, None))?;
    visit.leave(&Notice::Enabled { login: member.login })?;
    Ok(see(format!("/admin/staff/{id}")))
}

fn toggle(tx: &Transaction, member: &Staff, disabled_at: Option<Timestamp>) -> Result<(Values, Values), Unchanged> {
    if member.disabled_at.is_some() == disabled_at.is_some() {
        return Err(Unchanged::Same);
    }
    store::set_disabled(tx, &member.id, disabled_at)?;
    let of = |disabled: bool| values([("disabled", if disabled { "yes" } else { "no" })]);
    Ok((of(member.disabled_at.is_some()), of(disabled_at.is_some())))
}

/// `POST /admin/staff/{id}/password`: a new one-time password in place of whatever they had.
pub(crate) fn reissue(visit: &Visit, Path(id): Path<String>) -> Answer {
    let password = one_time(crypto::random_bytes());
    let hash = passwords::hash(&password).map_err(Problem::from)?;
    let until = visit.now() + std::time::Duration::from_micros(ONE_TIME.unsigned_abs());
    let member = change(visit, &id, Action::StaffReissue, |tx, _| {
        store::set_password(tx, &id, &hash, Some(until.as_micros()))?;
        Ok((Values::new(), values([("one-time-until", &until.to_rfc3339())])))
    })?;
    Ok(respond(201, &OneTime { f: visit.frame("staff")?, id, login: member.login, password, until }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Language;
    use crate::pages::frame::tests::of;

    fn html(oneself: bool, disabled: bool) -> String {
        let member = Staff {
            id: "staff_1".to_owned(),
            login: "anna".to_owned(),
            name: "<Anna>".to_owned(),
            role: Role::Manager,
            one_time_until: None,
            disabled_at: disabled.then(|| Timestamp::from_seconds(1)),
            created_at: Timestamp::from_seconds(1),
            signed_in_at: None,
        };
        MemberPage { f: of(Role::Admin, Language::English), member, oneself }.render().unwrap()
    }

    #[test]
    fn nobody_is_offered_to_change_themselves() {
        assert!(!html(true, false).contains("/staff/staff_1/"));
        assert!(html(false, false).contains("/staff/staff_1/disable") && !html(false, false).contains("<Anna>"));
    }

    #[test]
    fn who_is_disabled_can_only_be_enabled() {
        let html = html(false, true);
        assert!(html.contains("/staff/staff_1/enable") && !html.contains("/staff/staff_1/disable"));
    }
}
