//! Proving the address, by the code in the letter.
//!
//! Any failure reads the same: wrong, used or expired code, unknown address. Where the account is contested (see
//! `registration`), the code proves the mailbox and leaves open whose password it is; then the password is to be sent
//! with the code. Without the right one no password is kept, and the owner registers again to set theirs.

use datamp_models::communication::EmailAddress;
use datamp_models::gate::{UserId, UserState};
use datamp_sdk::crypto::passwords;
use datamp_sdk::{Problem, Timestamp, database, id, log};

use super::life::{self, Event};
use super::{Cause, store};
use crate::contract::verification::{self, CheckError};
use crate::sessions;

/// What was sent besides the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SentPassword {
    /// No password, or the account has none.
    None,
    /// The account's.
    Right,
    /// Another.
    Wrong,
}

/// What the right code does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// The address is the user's.
    Confirm,
    /// It was before: nothing changes.
    Keep,
    /// The password may be a stranger's: it goes, and the sessions with it.
    DropPassword,
}

/// Decides what the right code does.
pub fn plan(state: UserState, contested: bool, password: SentPassword) -> Plan {
    match (state, contested, password) {
        (UserState::Registered, false, _) | (UserState::Registered, true, SentPassword::Right) => Plan::Confirm,
        (UserState::Registered, true, SentPassword::None | SentPassword::Wrong) => Plan::DropPassword,
        (
            UserState::EmailVerified
            | UserState::PhoneVerified
            | UserState::IdentityVerified
            | UserState::Active
            | UserState::Suspended
            | UserState::Closed,
            ..,
        ) => Plan::Keep,
    }
}

fn wrong_code() -> Problem {
    Problem::new(422, "invalid-code", "The code can't be taken")
        .detail("It is wrong, has expired, or was used.")
        .field("code", "is not the newest one that was sent to this address, or no longer good")
}

/// Confirms an address.
pub fn confirm(email: &EmailAddress, code: &str, password: Option<&str>, cause: &Cause<'_>) -> Result<(), Problem> {
    let user = store::find_by_email(email)?;
    // For an unknown address the same is asked, about nobody.
    let subject = user.as_ref().map_or_else(|| id::new(UserId::PREFIX), |user| user.id.clone());
    let address = match verification::check(&subject, code) {
        Ok(address) => address,
        Err(CheckError::Refused) => return Err(wrong_code()),
        Err(CheckError::Unavailable(words)) => {
            log::warn!("a code could not be checked: {}", words);
            return Err(Problem::unavailable("The code could not be checked. Try again."));
        }
    };
    let Some(user) = user.filter(|user| user.email.eq_ignore_ascii_case(&address)) else {
        log::error!("a proof is for another address"; user.id = subject);
        return Err(wrong_code());
    };
    // Only who has the mailbox comes here, so they may wait for the password to be verified.
    let password = match (password, user.password_hash.as_deref()) {
        (Some(password), Some(hash)) if user.contested => {
            if passwords::verify(password, hash)? {
                SentPassword::Right
            } else {
                SentPassword::Wrong
            }
        }
        _ => SentPassword::None,
    };
    let cause = &Cause { actor: &user.id, ..*cause };
    let contested = database::transaction(|tx| {
        let now = Timestamp::now();
        // As it is by now, and not as it was before the code: a stranger may have registered in between, or a second code was quicker.
        let current = store::lock(tx, &user.id)?;
        let is_same = current.password_hash == user.password_hash;
        let password = if is_same { password } else { SentPassword::None };
        match plan(current.state, current.contested, password) {
            Plan::Keep => Ok(false),
            Plan::Confirm => {
                super::happen(tx, &current, Event::EmailVerified, cause, now)?;
                store::settle(tx, &current.id)?;
                Ok::<_, Problem>(false)
            }
            Plan::DropPassword => {
                store::drop_password(tx, &current.id)?;
                sessions::end_all(tx, &current.id, "registration-contested", now)?;
                super::record(tx, &current.id, "password-dropped", cause, now)?;
                Ok(true)
            }
        }
    })?;
    if contested {
        return Err(Problem::new(409, "registration-contested", "Somebody else registered this address, too").detail(
            "The address is yours, but the password may be theirs, so none is kept. Register again to set your own.",
        ));
    }
    log::info!("an address was confirmed"; user.id = user.id);
    Ok(())
}

/// Has another code sent, where the address waits to be confirmed; tells nobody whether it does.
pub fn resend(email: &EmailAddress, cause: &Cause<'_>) -> Result<(), Problem> {
    let Some(user) = store::find_by_email(email)?.filter(|user| user.state == UserState::Registered) else {
        return Ok(());
    };
    if let Err(error) = verification::start(&user.id, &user.email, user.language, Some(cause.client_address)) {
        log::info!("no letter: {:?}", error; user.id = user.id);
    }
    Ok(())
}

/// Whether a user has confirmed the address; 403 if not.
pub fn require_verified_email(state: UserState) -> Result<(), Problem> {
    if life::has_verified_email(state) {
        return Ok(());
    }
    Err(Problem::new(403, "email-not-verified", "The email address is not confirmed")
        .detail("Confirm it by the code in the letter; POST /gate/v1/email/resend sends another."))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWORDS: [SentPassword; 3] = [SentPassword::None, SentPassword::Right, SentPassword::Wrong];

    #[test]
    fn the_code_alone_confirms_what_nobody_contests() {
        for password in PASSWORDS {
            assert_eq!(plan(UserState::Registered, false, password), Plan::Confirm);
        }
    }

    #[test]
    fn a_contested_account_wants_its_password_or_loses_it() {
        assert_eq!(plan(UserState::Registered, true, SentPassword::Right), Plan::Confirm);
        assert_eq!(plan(UserState::Registered, true, SentPassword::None), Plan::DropPassword);
        assert_eq!(plan(UserState::Registered, true, SentPassword::Wrong), Plan::DropPassword);
    }

    #[test]
    fn a_code_changes_nothing_for_who_has_confirmed() {
        for state in [
            UserState::EmailVerified,
            UserState::PhoneVerified,
            UserState::IdentityVerified,
            UserState::Active,
            UserState::Suspended,
            UserState::Closed,
        ] {
            for (contested, password) in [(false, SentPassword::None), (true, SentPassword::Wrong)] {
                assert_eq!(plan(state, contested, password), Plan::Keep, "{state:?}");
            }
        }
    }

    #[test]
    fn an_unconfirmed_address_is_a_problem_of_its_own() {
        let problem = require_verified_email(UserState::Registered).unwrap_err();
        assert_eq!((problem.status(), problem.slug()), (403, "email-not-verified"));
        assert!(require_verified_email(UserState::EmailVerified).is_ok());
    }
}
