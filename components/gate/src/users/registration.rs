//! Registration, which never tells whether an address is known.
//!
//! - Whatever is known of the address, the same is done: a password is hashed, one is verified, something is written, and
//!   communication is asked for a letter, which reads the same for everybody. The answer is the same.
//! - An address that nobody has proven belongs to nobody. So its registration can be repeated, with another password; and
//!   since it may have been a stranger who came first, or second, the account is *contested*: the sessions there were
//!   end, and the code in the letter alone no longer proves whose password it is (see `confirmation`). A stranger can't
//!   wait in an account for its owner ("pre-hijacking").

use datamp_models::communication::{ClientNetwork, EmailAddress, Language};
use datamp_models::gate::{UserId, UserState};
use datamp_sdk::crypto::passwords;
use datamp_sdk::{Problem, Timestamp, database, id, log};

use super::life::Life;
use super::{Cause, User, store};
use crate::contract::verification::{self, StartError};
use crate::login_delay::{self, Counter};
use crate::{passwords as policy, sessions};

/// What is known of the password of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnownPassword {
    /// It has none.
    None,
    /// It is the one that was sent.
    Same,
    /// It is another.
    Other,
}

/// What a registration does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Makes the account.
    Create,
    /// Sets the password of an account that nobody has proven to be theirs.
    SetPassword {
        /// Whether it had another.
        contested: bool,
    },
    /// Leaves everything as it is.
    Keep,
}

/// Decides by what is known of the address.
pub fn plan(known: Option<(UserState, KnownPassword)>) -> Plan {
    match known {
        None => Plan::Create,
        Some((UserState::Registered, KnownPassword::None)) => Plan::SetPassword { contested: false },
        Some((UserState::Registered, KnownPassword::Other)) => Plan::SetPassword { contested: true },
        Some((UserState::Registered, KnownPassword::Same)) => Plan::Keep,
        Some((
            UserState::EmailVerified
            | UserState::PhoneVerified
            | UserState::IdentityVerified
            | UserState::Active
            | UserState::Suspended
            | UserState::Closed,
            _,
        )) => Plan::Keep,
    }
}

/// What somebody sent to register.
#[derive(Debug)]
pub struct Registration<'a> {
    /// The address.
    pub email: &'a EmailAddress,
    /// The password, not yet judged.
    pub password: &'a str,
    /// The language to write in.
    pub language: Language,
}

/// Registers, and has a code sent to the address.
pub fn register(registration: &Registration<'_>, cause: &Cause<'_>) -> Result<(), Problem> {
    if let Err(words) = policy::check(registration.password, registration.email) {
        return Err(Problem::unprocessable("Choose another password.").field("password", words));
    }
    login_delay::count_tries(&[Counter::of_registrations(&ClientNetwork::of(cause.client_address))?])?;

    let hash = passwords::hash(registration.password)?;
    let mut user = record_registration(registration, &hash, cause)?;
    if user.is_none() {
        // Somebody registered the same address between our look and our write: it is known now.
        user = record_registration(registration, &hash, cause)?;
    }
    let (user, address) = user.ok_or(database::Error::Conflict)?;
    match verification::start(&user, &address, registration.language, Some(cause.client_address)) {
        Ok(()) => Ok(()),
        // Told or not told, a letter comes when it may: the waiting tells that somebody was here before.
        Err(StartError::TooMany(seconds)) => {
            log::info!("no letter for a registration yet"; user.id = user, seconds = seconds);
            Ok(())
        }
        Err(StartError::InvalidAddress(words)) => {
            Err(Problem::unprocessable("The address does not take mail.").field("email", words))
        }
        Err(StartError::Unavailable(words)) => {
            log::warn!("no letter for a registration: {}", words; user.id = user);
            Err(Problem::unavailable("The letter could not be sent. Register again in a little while."))
        }
    }
}

/// The id and the address of the user, new or known; `None` where another request was quicker.
fn record_registration(
    registration: &Registration<'_>,
    hash: &str,
    cause: &Cause<'_>,
) -> Result<Option<(String, String)>, Problem> {
    let known = store::find_by_email(registration.email)?;
    // Verifying takes its time, whether there is something to verify or not.
    let password = match known.as_ref().and_then(|user| user.password_hash.as_deref()) {
        Some(known_hash) if passwords::verify(registration.password, known_hash)? => KnownPassword::Same,
        Some(_) => KnownPassword::Other,
        None => {
            passwords::verify_nothing(registration.password)?;
            KnownPassword::None
        }
    };
    let plan = plan(known.as_ref().map(|user| (user.state, password)));
    let now = Timestamp::now();
    database::transaction(|tx| match (&known, plan) {
        (None, _) => {
            let user = id::new(UserId::PREFIX);
            let new = store::New {
                id: &user,
                email: registration.email,
                password_hash: hash,
                language: registration.language,
            };
            if !store::insert(tx, &new, now)? {
                return Ok(None);
            }
            store::insert_event(tx, &user, "registered", (None, Some(Life::BEGINNING.state())), cause, now)?;
            Ok(Some((user, registration.email.as_str().to_owned())))
        }
        (Some(user), Plan::SetPassword { contested }) => {
            if !store::set_password(tx, user, hash, contested)? {
                return Ok(None);
            }
            sessions::end_all(tx, &user.id, "registered-again", now)?;
            super::record(tx, &user.id, "registered-again", cause, now)?;
            Ok(Some(of(user)))
        }
        (Some(user), Plan::Create | Plan::Keep) => {
            super::record(tx, &user.id, "registration-repeated", cause, now)?;
            Ok(Some(of(user)))
        }
    })
}

fn of(user: &User) -> (String, String) {
    (user.id.clone(), user.email.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROVEN: [UserState; 6] = [
        UserState::EmailVerified,
        UserState::PhoneVerified,
        UserState::IdentityVerified,
        UserState::Active,
        UserState::Suspended,
        UserState::Closed,
    ];
    const PASSWORDS: [KnownPassword; 3] = [KnownPassword::None, KnownPassword::Same, KnownPassword::Other];

    #[test]
    fn an_unknown_address_gets_an_account() {
        assert_eq!(plan(None), Plan::Create);
    }

    #[test]
    fn an_account_whose_address_was_proven_is_never_changed() {
        for state in PROVEN {
            for password in PASSWORDS {
                assert_eq!(plan(Some((state, password))), Plan::Keep, "{state:?} {password:?}");
            }
        }
    }

    #[test]
    fn the_last_password_of_an_unproven_address_counts_and_contests_the_one_before() {
        let plan = |password| super::plan(Some((UserState::Registered, password)));
        assert_eq!(plan(KnownPassword::Other), Plan::SetPassword { contested: true });
        assert_eq!(plan(KnownPassword::Same), Plan::Keep, "an impatient person contests nothing");
        assert_eq!(plan(KnownPassword::None), Plan::SetPassword { contested: false });
    }
}
