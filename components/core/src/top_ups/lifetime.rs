//! How long a top-up is waited for, and when its provider is asked.

use std::time::Duration;

use datamp_sdk::Timestamp;
use datamp_sdk::config::{self, ConfigError};

/// The longest that a provider may wait for a person.
const LONGEST: Duration = Duration::from_secs(30 * DAY);

/// How long a top-up is asked about after it was asked for.
const ASKED_ABOUT: Duration = Duration::from_secs(37 * DAY);

const DAY: u64 = 24 * 60 * 60;

/// The settings of the manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// How long a person has.
    pub lasts: Duration,
    /// How long nothing may come until the provider is asked.
    pub silence: Duration,
}

impl Lifetime {
    /// As the operator set it.
    pub fn configured() -> Result<Self, ConfigError> {
        let lasts = Duration::from_secs(config::parse("top-up-lifetime")?).min(LONGEST);
        Ok(Self { lasts, silence: Duration::from_secs(config::parse("provider-silence")?) })
    }

    /// When a top-up that is asked for now is given up.
    pub fn expiry(self, now: Timestamp) -> Timestamp {
        now + self.lasts
    }
}

/// When a top-up is given up: when the provider says so, at most 30 days after it was asked for.
pub fn expiry(created_at: Timestamp, ours: Timestamp, theirs: Option<Timestamp>) -> Timestamp {
    theirs.map_or(ours, |theirs| theirs.min(created_at + LONGEST))
}

/// When the provider is to be asked next about a top-up of which nothing was heard by now: less and less often, and after some weeks no more.
pub fn next_check(created_at: Timestamp, silence: Duration, now: Timestamp) -> Option<Timestamp> {
    let age = now.duration_since(created_at);
    (age < ASKED_ABOUT).then(|| now + silence.max(age / 8).min(Duration::from_secs(DAY)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn a_provider_is_asked_less_and_less_often() {
        let created = Timestamp::from_seconds(1_000_000);
        let after = |age: Duration| Some(next_check(created, 5 * MINUTE, created + age)?.duration_since(created + age));
        assert_eq!(after(Duration::ZERO), Some(5 * MINUTE));
        assert_eq!(after(40 * MINUTE), Some(5 * MINUTE));
        assert_eq!(after(80 * MINUTE), Some(10 * MINUTE));
        assert_eq!(after(24 * 60 * MINUTE), Some(180 * MINUTE));
        assert_eq!(after(Duration::from_secs(30 * DAY)), Some(Duration::from_secs(DAY)));
        assert_eq!(after(Duration::from_secs(37 * DAY)), None);

        let (mut now, mut times) = (created, 0);
        while let Some(next) = next_check(created, 5 * MINUTE, now) {
            assert!(next > now);
            (now, times) = (next, times + 1);
        }
        assert!((50..100).contains(&times), "{times}");
    }

    #[test]
    fn a_provider_may_wait_for_thirty_days() {
        let created = Timestamp::from_seconds(1_000_000);
        let ours = created + Duration::from_secs(DAY);
        let days = |days: u64| created + Duration::from_secs(days * DAY);
        assert_eq!(expiry(created, ours, None), ours);
        assert_eq!(expiry(created, ours, Some(created + MINUTE)), created + MINUTE);
        assert_eq!(expiry(created, ours, Some(days(29))), days(29));
        assert_eq!(expiry(created, ours, Some(days(31))), days(30));
    }
}
