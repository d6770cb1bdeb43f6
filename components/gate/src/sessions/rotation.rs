//! What presenting a refresh token does (RFC 9700, 4.14.2; ASVS 10.4.5).
//!
//! A family of tokens is a sequence, of which the last is active. Presenting it makes the next. A reply gets lost now and then, so
//! for a short grace the token before is answered with the *active* one again, not with a third: an honest phone goes on,
//! and both who hold a copy hold the same token. Whatever is older, or comes later, is a copy that somebody else used:
//! nobody can tell who is the thief, so the whole family ends.

use std::time::Duration;

use datamp_sdk::Timestamp;

/// How long after a rotation the token before is still answered.
pub const GRACE: Duration = Duration::from_secs(10);

/// After that a family ends, however often it was used.
pub const LIFETIME: Duration = Duration::from_hours(30 * 24);

/// A family of refresh tokens, as stored.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// The place of the active token, from 1.
    pub sequence: i64,
    /// When the active token was made.
    pub rotated_at: Timestamp,
    /// When the family ends.
    pub expires_at: Timestamp,
    /// Whether it was ended before.
    pub revoked: bool,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Make the next token, and answer it.
    Rotate,
    /// Answer the active token once more.
    AnswerActive,
    /// A copy was used: end the family.
    EndFamily,
    /// Answer nothing, change nothing.
    Refuse(Refusal),
}

/// Why a token that this service made is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The family was ended.
    Revoked,
    /// The family is too old.
    Expired,
    /// The token is newer than all that are known: the database was restored from before.
    Unknown,
}

/// Decides about the token at a place of the family's sequence. That the token is genuine is known before.
pub fn decide(family: &Family, presented: i64, now: Timestamp) -> Decision {
    if family.revoked {
        return Decision::Refuse(Refusal::Revoked);
    }
    if now >= family.expires_at {
        return Decision::Refuse(Refusal::Expired);
    }
    match family.sequence.saturating_sub(presented) {
        ..0 => Decision::Refuse(Refusal::Unknown),
        0 => Decision::Rotate,
        1 if now <= family.rotated_at + GRACE => Decision::AnswerActive,
        1.. => Decision::EndFamily,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_micros(1_800_000_000_000_000) + Duration::from_millis(millis)
    }

    fn family(sequence: i64) -> Family {
        Family { sequence, rotated_at: at(0), expires_at: at(0) + LIFETIME, revoked: false }
    }

    #[test]
    fn the_active_token_makes_the_next() {
        assert_eq!(decide(&family(1), 1, at(0)), Decision::Rotate);
        assert_eq!(decide(&family(7), 7, at(20 * 24 * 3_600_000)), Decision::Rotate);
    }

    #[test]
    fn the_token_before_is_answered_for_ten_seconds() {
        assert_eq!(decide(&family(2), 1, at(1)), Decision::AnswerActive);
        assert_eq!(decide(&family(2), 1, at(10_000)), Decision::AnswerActive);
        assert_eq!(decide(&family(2), 1, at(10_001)), Decision::EndFamily);
    }

    #[test]
    fn the_token_before_that_ends_the_family_at_once() {
        assert_eq!(decide(&family(3), 1, at(1)), Decision::EndFamily);
    }

    #[test]
    fn a_family_ends_for_good_and_by_age() {
        assert_eq!(decide(&Family { revoked: true, ..family(2) }, 2, at(1)), Decision::Refuse(Refusal::Revoked));
        assert_eq!(decide(&family(2), 2, at(0) + LIFETIME), Decision::Refuse(Refusal::Expired));
    }

    #[test]
    fn a_token_from_after_the_backup_is_refused() {
        assert_eq!(decide(&family(2), 3, at(1)), Decision::Refuse(Refusal::Unknown));
    }

    /// One step of somebody who holds tokens.
    #[derive(Clone, Copy, Debug)]
    enum Step {
        /// Refreshes, and gets the reply.
        Refresh,
        /// Refreshes, loses the reply, and tries again so many milliseconds later, within the grace.
        LoseReplyAndRetry(u64),
        /// Waits so many milliseconds.
        Wait(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            Just(Step::Refresh),
            (0_u64..=10_000).prop_map(Step::LoseReplyAndRetry),
            (0_u64..3_600_000).prop_map(Step::Wait),
        ]
    }

    /// What the store does with a decision: the place that is answered.
    fn present(family: &mut Family, presented: i64, now: Timestamp) -> Option<i64> {
        match decide(family, presented, now) {
            Decision::Rotate => {
                family.sequence += 1;
                family.rotated_at = now;
                Some(family.sequence)
            }
            Decision::AnswerActive => Some(family.sequence),
            Decision::EndFamily => {
                family.revoked = true;
                None
            }
            Decision::Refuse(_) => None,
        }
    }

    proptest! {
        #[test]
        fn an_honest_client_is_never_logged_out(steps in prop::collection::vec(step(), 0..60)) {
            let (mut family, mut held, mut now) = (family(1), 1, 0);
            for step in steps {
                match step {
                    Step::Refresh => held = present(&mut family, held, at(now)).unwrap(),
                    Step::LoseReplyAndRetry(later) => {
                        let lost = present(&mut family, held, at(now)).unwrap();
                        now += later;
                        held = present(&mut family, held, at(now)).unwrap();
                        prop_assert_eq!(held, lost, "the same token, not a third");
                    }
                    Step::Wait(millis) => now += millis,
                }
            }
        }

        #[test]
        fn a_stolen_token_ends_the_family_by_the_second_use_outside_the_grace(
            rotations in 0_i64..20, delay in 10_001_u64..10_000_000,
        ) {
            let mut family = family(1 + rotations);
            let stolen = family.sequence;
            // Both hold the active token. One uses it, and the other comes later than a lost reply would.
            let first = present(&mut family, stolen, at(0)).unwrap();
            let second = present(&mut family, stolen, at(delay));
            prop_assert_eq!(second, None);
            prop_assert!(family.revoked);
            let winner = present(&mut family, first, at(delay));
            prop_assert_eq!(winner, None, "whoever came first is out as well");
        }

        #[test]
        fn nothing_older_than_the_token_before_is_ever_answered(sequence in 3_i64..1000, back in 2_i64..1000, millis in 0_u64..20_000) {
            let family = family(sequence);
            prop_assert_eq!(decide(&family, sequence - back, at(millis)), Decision::EndFamily);
        }
    }
}
