//! Sessions of the staff: an opaque token in a cookie, a keyed hash of it in the database.

pub(crate) mod attempt;
pub(crate) mod cookie;
pub(crate) mod lifetime;
pub(crate) mod store;
pub(crate) mod throttle;
pub(crate) mod token;

use datamp_sdk::{Problem, Timestamp};

use crate::access::Who;
use crate::roles::Role;

/// Somebody who is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) id: String,
    pub(crate) login: String,
    pub(crate) name: String,
    pub(crate) role: Role,
    /// The password is a one-time password.
    pub(crate) one_time: bool,
}

/// A session that is good.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// Of its token.
    pub(crate) hash: String,
    /// `None` while the first admin sets up.
    pub(crate) member: Option<Member>,
    /// For the next page, JSON.
    pub(crate) notice: Option<String>,
}

impl Session {
    /// The session of a token, if it is good. Notes its use down, unless the page asks by itself.
    pub(crate) fn resume(token: &str, now: Timestamp, by_hand: bool) -> Result<Option<Self>, Problem> {
        let hash = token::hash(token)?;
        let Some(row) = store::find(&hash)? else {
            return Ok(None);
        };
        let setup = row.staff_id.is_none();
        match lifetime::decide(row.created_at, row.seen_at, now.as_micros(), setup, by_hand) {
            lifetime::Decision::Over => return Ok(None),
            lifetime::Decision::GoodAndNote => store::note(&hash, now)?,
            lifetime::Decision::Good => {}
        }
        Ok(Self::of_row(hash, row))
    }

    /// `None` where the member was disabled.
    fn of_row(hash: String, row: store::Row) -> Option<Self> {
        let member = match (row.staff_id, row.login, row.name, row.role, row.disabled_at) {
            (None, ..) => None,
            (Some(id), Some(login), Some(name), Some(role), None) => {
                Some(Member { id, login, name, role, one_time: row.one_time_until.is_some() })
            }
            (Some(_), ..) => return None,
        };
        Some(Self { hash, member, notice: row.notice })
    }

    /// Whom it says a request comes from.
    pub(crate) fn who(&self) -> Who {
        match &self.member {
            None => Who::FirstAdmin,
            Some(member) if member.one_time => Who::Newcomer,
            Some(member) => Who::Member(member.role),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> store::Row {
        store::Row {
            created_at: 0,
            seen_at: 0,
            notice: None,
            staff_id: Some("staff_1".to_owned()),
            login: Some("anna".to_owned()),
            name: Some("Anna".to_owned()),
            role: Some(Role::Manager),
            one_time_until: None,
            disabled_at: None,
        }
    }

    fn who(row: store::Row) -> Option<Who> {
        Session::of_row("hash".to_owned(), row).map(|session| session.who())
    }

    #[test]
    fn a_session_is_worth_what_its_member_is_worth_now() {
        assert_eq!(who(row()), Some(Who::Member(Role::Manager)));
        assert_eq!(who(store::Row { one_time_until: Some(5), ..row() }), Some(Who::Newcomer));
        assert_eq!(who(store::Row { staff_id: None, ..row() }), Some(Who::FirstAdmin));
    }

    #[test]
    fn a_disabled_member_is_out_at_once() {
        assert_eq!(who(store::Row { disabled_at: Some(5), ..row() }), None);
    }
}
