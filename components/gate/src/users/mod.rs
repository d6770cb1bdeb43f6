//! Users: how they come to be, prove their address, and where they stand.

pub mod confirmation;
pub mod life;
pub mod registration;
mod store;

use datamp_models::communication::Language;
use datamp_models::gate::UserState;
use datamp_sdk::database::{self, Transaction};
use datamp_sdk::{Problem, Request, Timestamp};
use serde::Deserialize;

use self::life::{Event, Life, ShutOut};

pub use store::find_by_email;

/// A user, as stored.
#[derive(Clone, Debug, Deserialize)]
pub struct User {
    /// `user_…`.
    pub id: String,
    /// The address, as mail is sent to it.
    pub email: String,
    /// argon2id; `None` where no password is known to be the owner's.
    pub password_hash: Option<String>,
    /// Whether the password may be a stranger's; see [`registration`].
    pub contested: bool,
    /// The language that the user is written to in.
    pub language: Language,
    /// Where the user stands.
    pub state: UserState,
    /// Where a suspended user stood before.
    pub suspended_from: Option<UserState>,
}

/// Who causes what is recorded, and whence.
#[derive(Clone, Copy, Debug)]
pub struct Cause<'a> {
    /// A user's id, `anonymous`, or a member of the staff.
    pub actor: &'a str,
    /// Why, where somebody gave a reason.
    pub reason: Option<&'a str>,
    /// Where from.
    pub client_address: &'a str,
    /// The request that did it.
    pub request_id: &'a str,
}

impl<'a> Cause<'a> {
    /// Somebody who has not said who they are.
    pub fn anonymous(request: &'a Request) -> Self {
        Self {
            actor: "anonymous",
            reason: None,
            client_address: request.client_address(),
            request_id: request.request_id(),
        }
    }
}

/// Records something that left the user's state as it is.
pub fn record(
    tx: &Transaction,
    user: &str,
    kind: &str,
    cause: &Cause<'_>,
    now: Timestamp,
) -> Result<(), database::Error> {
    store::insert_event(tx, user, kind, (None, None), cause, now)
}

/// Lets something happen to a user: checked, dated, recorded. Where the user is no longer as `user` says, it is a conflict.
pub fn happen(tx: &Transaction, user: &User, event: Event, cause: &Cause<'_>, now: Timestamp) -> Result<Life, Problem> {
    let before = Life::stored(user.state, user.suspended_from)
        .ok_or_else(|| Problem::internal(format_args!("{} is in no state", user.id)))?;
    let after = before.after(event).map_err(|impossible| Problem::conflict(format!("{impossible}")))?;
    if !store::move_on(tx, &user.id, before, after, now)? {
        return Err(database::Error::Conflict.into());
    }
    store::insert_event(tx, &user.id, event.as_str(), (Some(before.state()), Some(after.state())), cause, now)?;
    Ok(after)
}

/// What a user who is shut out is told.
pub fn shut_out(verdict: Result<(), ShutOut>) -> Result<(), Problem> {
    match verdict {
        Ok(()) => Ok(()),
        Err(ShutOut::Suspended) => Err(Problem::new(403, "account-suspended", "The account is suspended")
            .detail("Ask the support for the reason.")),
        Err(ShutOut::Closed) => Err(Problem::new(403, "account-closed", "The account is closed")),
    }
}
