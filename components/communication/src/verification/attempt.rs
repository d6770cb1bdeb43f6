//! Whether a code may be tried at all, and what a try comes to.
//!
//! A try is counted before the code is looked at, and the count is committed: whoever tries many codes at once, or cuts the
//! connection, has used up the attempts all the same (ASVS 6.5.5, 6.6.3).

use datamp_models::communication::VerificationStatus;
use datamp_sdk::time::Timestamp;

/// How often one may be tried. The table `verification` holds the same number in a CHECK.
pub const ATTEMPTS: u32 = 5;

/// Why a code is not tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It never was sent, has expired, or was used.
    NotFound,
    /// It was tried too often.
    NoAttemptsLeft,
}

/// Whether a code may be tried. The precedence is that of the contract: a code that is over is not found, however often it was tried.
pub fn may_try(
    status: VerificationStatus,
    attempts: u32,
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<(), Refusal> {
    match status {
        VerificationStatus::Failed | VerificationStatus::Verified => Err(Refusal::NotFound),
        // The letter may arrive before the sender's word that it went out.
        VerificationStatus::Sending | VerificationStatus::Sent if now >= expires_at => Err(Refusal::NotFound),
        VerificationStatus::Sending | VerificationStatus::Sent if attempts >= ATTEMPTS => Err(Refusal::NoAttemptsLeft),
        VerificationStatus::Sending | VerificationStatus::Sent => Ok(()),
    }
}

/// How many tries are left after so many.
pub fn left(attempts: u32) -> u32 {
    ATTEMPTS.saturating_sub(attempts)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_micros(1_800_000_000_000_000) + Duration::from_secs(seconds)
    }

    #[test]
    fn a_code_is_tried_five_times_and_no_more() {
        for attempts in 0..5 {
            assert_eq!(may_try(VerificationStatus::Sent, attempts, at(600), at(0)), Ok(()));
        }
        assert_eq!(may_try(VerificationStatus::Sent, 5, at(600), at(0)), Err(Refusal::NoAttemptsLeft));
        assert_eq!((left(0), left(1), left(5), left(9)), (5, 4, 0, 0));
    }

    #[test]
    fn a_code_lives_to_its_last_microsecond() {
        let expires_at = at(600);
        let just_before = Timestamp::from_micros(expires_at.as_micros() - 1);
        assert_eq!(may_try(VerificationStatus::Sent, 0, expires_at, just_before), Ok(()));
        assert_eq!(may_try(VerificationStatus::Sent, 0, expires_at, expires_at), Err(Refusal::NotFound));
    }

    #[test]
    fn a_used_code_is_not_found() {
        assert_eq!(may_try(VerificationStatus::Verified, 1, at(600), at(0)), Err(Refusal::NotFound));
    }

    #[test]
    fn a_code_whose_letter_was_not_sent_is_not_found() {
        assert_eq!(may_try(VerificationStatus::Failed, 0, at(600), at(0)), Err(Refusal::NotFound));
    }

    proptest! {
        #[test]
        fn an_expired_code_tells_nothing_of_its_tries(attempts in 0_u32..20, late in 0_u64..10_000) {
            prop_assert_eq!(may_try(VerificationStatus::Sent, attempts, at(600), at(600 + late)), Err(Refusal::NotFound));
        }
    }
}
