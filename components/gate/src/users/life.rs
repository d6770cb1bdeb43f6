//! The stages of a user's life, and what leads from one to the next.
//!
//! ```text
//! registered → email-verified → phone-verified → identity-verified → active
//!     any of these ⇄ suspended          any but closed → closed
//! ```

use std::fmt;

use datamp_models::gate::UserState;

/// What happens to a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The email address was proven.
    EmailVerified,
    /// The phone number was proven.
    PhoneVerified,
    /// The user's identity was proven.
    IdentityVerified,
    /// Everything was opened to them.
    Activated,
    /// The staff shut them out.
    Suspended,
    /// The staff let them back in, to where they were.
    Reinstated,
    /// They left, or were made to.
    Closed,
}

impl Event {
    /// Its name in `user_event`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EmailVerified => "email-verified",
            Self::PhoneVerified => "phone-verified",
            Self::IdentityVerified => "identity-verified",
            Self::Activated => "activated",
            Self::Suspended => "suspended",
            Self::Reinstated => "reinstated",
            Self::Closed => "closed",
        }
    }
}

/// Where a user stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    state: UserState,
    /// Where a suspended user stood before; `None` for everybody else.
    suspended_from: Option<UserState>,
}

/// What can't happen to a user in this state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Impossible {
    /// Where the user stands.
    pub state: UserState,
    /// What does not follow from there.
    pub event: Event,
}

impl fmt::Display for Impossible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} does not follow on {}", self.event.as_str(), self.state.as_str())
    }
}

impl std::error::Error for Impossible {}

impl Life {
    /// Where everybody begins.
    pub const BEGINNING: Self = Self { state: UserState::Registered, suspended_from: None };

    /// A user as stored; `None` where the two columns contradict each other.
    pub fn stored(state: UserState, suspended_from: Option<UserState>) -> Option<Self> {
        let is_sound = match (state, suspended_from) {
            (UserState::Suspended, Some(before)) => !matches!(before, UserState::Suspended | UserState::Closed),
            (UserState::Suspended, None) => false,
            (_, before) => before.is_none(),
        };
        is_sound.then_some(Self { state, suspended_from })
    }

    /// Where the user stands.
    pub fn state(self) -> UserState {
        self.state
    }

    /// Where a suspended user stood before.
    pub fn suspended_from(self) -> Option<UserState> {
        self.suspended_from
    }

    /// Where an event leads.
    pub fn after(self, event: Event) -> Result<Self, Impossible> {
        let state = match (self.state, event) {
            (UserState::Registered, Event::EmailVerified) => UserState::EmailVerified,
            (UserState::EmailVerified, Event::PhoneVerified) => UserState::PhoneVerified,
            (UserState::PhoneVerified, Event::IdentityVerified) => UserState::IdentityVerified,
            (UserState::IdentityVerified, Event::Activated) => UserState::Active,

            (UserState::Suspended, Event::Suspended) | (UserState::Closed, _) => return Err(self.impossible(event)),
            (before, Event::Suspended) => {
                return Ok(Self { state: UserState::Suspended, suspended_from: Some(before) });
            }
            (UserState::Suspended, Event::Reinstated) => self.suspended_from.ok_or_else(|| self.impossible(event))?,
            (_, Event::Closed) => UserState::Closed,

            _ => return Err(self.impossible(event)),
        };
        Ok(Self { state, suspended_from: None })
    }

    fn impossible(self, event: Event) -> Impossible {
        Impossible { state: self.state, event }
    }
}

/// Why a user is shut out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShutOut {
    /// For a time.
    Suspended,
    /// For good.
    Closed,
}

/// Whether a user in this state may log in, and go on being logged in.
pub fn may_enter(state: UserState) -> Result<(), ShutOut> {
    match state {
        UserState::Suspended => Err(ShutOut::Suspended),
        UserState::Closed => Err(ShutOut::Closed),
        UserState::Registered
        | UserState::EmailVerified
        | UserState::PhoneVerified
        | UserState::IdentityVerified
        | UserState::Active => Ok(()),
    }
}

/// Whether a user who may enter has proven the email address.
pub fn has_verified_email(state: UserState) -> bool {
    match state {
        UserState::Registered | UserState::Suspended | UserState::Closed => false,
        UserState::EmailVerified | UserState::PhoneVerified | UserState::IdentityVerified | UserState::Active => true,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EVENTS: [Event; 7] = [
        Event::EmailVerified,
        Event::PhoneVerified,
        Event::IdentityVerified,
        Event::Activated,
        Event::Suspended,
        Event::Reinstated,
        Event::Closed,
    ];

    /// How far a life has come, where it is not interrupted.
    fn progress(state: UserState) -> Option<u8> {
        match state {
            UserState::Registered => Some(0),
            UserState::EmailVerified => Some(1),
            UserState::PhoneVerified => Some(2),
            UserState::IdentityVerified => Some(3),
            UserState::Active => Some(4),
            UserState::Suspended | UserState::Closed => None,
        }
    }

    #[test]
    fn the_straight_way_leads_to_active() {
        let mut life = Life::BEGINNING;
        for (event, state) in [
            (Event::EmailVerified, UserState::EmailVerified),
            (Event::PhoneVerified, UserState::PhoneVerified),
            (Event::IdentityVerified, UserState::IdentityVerified),
            (Event::Activated, UserState::Active),
        ] {
            life = life.after(event).unwrap();
            assert_eq!(life.state(), state);
        }
    }

    #[test]
    fn no_stage_is_skipped_or_passed_twice() {
        let registered = Life::BEGINNING;
        for event in [Event::PhoneVerified, Event::IdentityVerified, Event::Activated, Event::Reinstated] {
            assert_eq!(registered.after(event), Err(Impossible { state: UserState::Registered, event }));
        }
        let verified = registered.after(Event::EmailVerified).unwrap();
        assert!(verified.after(Event::EmailVerified).is_err());
    }

    #[test]
    fn the_shut_out_may_not_enter() {
        assert_eq!(may_enter(UserState::Suspended), Err(ShutOut::Suspended));
        assert_eq!(may_enter(UserState::Closed), Err(ShutOut::Closed));
        assert_eq!(may_enter(UserState::Registered), Ok(()));
        assert!(!has_verified_email(UserState::Registered));
        assert!(has_verified_email(UserState::EmailVerified) && has_verified_email(UserState::Active));
    }

    #[test]
    fn columns_that_contradict_each_other_are_no_life() {
        assert_eq!(Life::stored(UserState::Suspended, None), None);
        assert_eq!(Life::stored(UserState::Active, Some(UserState::Registered)), None);
        assert_eq!(Life::stored(UserState::Suspended, Some(UserState::Closed)), None);
        assert!(Life::stored(UserState::Suspended, Some(UserState::Active)).is_some());
    }

    proptest! {
        #[test]
        fn every_life_is_sound(choices in prop::collection::vec(prop::sample::select(&EVENTS[..]), 0..30)) {
            let mut life = Life::BEGINNING;
            for event in choices {
                let before = life;
                let Ok(after) = before.after(event) else { continue };
                life = after;

                prop_assert_eq!(Life::stored(life.state(), life.suspended_from()), Some(life), "it can be stored");
                prop_assert_ne!(before.state(), UserState::Closed, "nothing follows on the end");
                match event {
                    Event::Suspended => prop_assert_eq!(life.suspended_from(), Some(before.state())),
                    Event::Reinstated => prop_assert_eq!(Some(life.state()), before.suspended_from()),
                    Event::Closed => prop_assert_eq!(life.state(), UserState::Closed),
                    _ => prop_assert_eq!(progress(life.state()), progress(before.state()).map(|stage| stage + 1)),
                }
            }
        }
    }
}
