//! Why an event was not taken, or a job not done.

use std::{fmt, time::Duration};

use crate::{Problem, database, fault::Fault, log};

/// Why an event was not taken, or a run of a job not done, and what is to become of it.
///
/// `?` makes one of every error of the SDK: what may go better another time (the database, a call) is tried again, and a payload that
/// does not fit its type is not.
///
/// ```
/// use std::time::Duration;
/// use datamp_sdk::Failure;
///
/// let busy = Failure::retry("the provider is busy").after(Duration::from_secs(30));
/// let never = Failure::reject("no such provider");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub(crate) reason: String,
    pub(crate) fate: Fate,
}

/// What is to become of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Tried again after this long, or after the host's own growing delay.
    Retry(Option<Duration>),
    /// A dead letter at once.
    Reject,
}

impl Failure {
    /// It is to be tried again, after a delay that the host lets grow. After as many attempts as the manifest says, it is a dead
    /// letter.
    pub fn retry(reason: impl fmt::Display) -> Self {
        Self { reason: reason.to_string(), fate: Fate::Retry(None) }
    }

    /// It will never work: it becomes a dead letter at once, for people to look at.
    pub fn reject(reason: impl fmt::Display) -> Self {
        Self { reason: reason.to_string(), fate: Fate::Reject }
    }

    /// Tried again after this long, in whole seconds, rounded up; at most a week. No effect on a rejection.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        if let Fate::Retry(after) = &mut self.fate {
            *after = Some(delay);
        }
        self
    }

    /// Whole seconds of a delay.
    pub(crate) fn seconds(delay: Duration) -> u32 {
        let whole = delay.as_secs().saturating_add(u64::from(delay.subsec_nanos() > 0));
        u32::try_from(whole).unwrap_or(u32::MAX)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.reason)
    }
}

impl std::error::Error for Failure {}

impl From<database::Error> for Failure {
    fn from(error: database::Error) -> Self {
        log::warn!("database: {}", error);
        Self::retry(format_args!("database: {error}"))
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::retry(problem)
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::reject(format_args!("its payload does not fit: {fault}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_is_rounded_up_and_a_rejection_has_none() {
        let retry = Failure::retry("x").after(Duration::from_millis(1500));
        assert_eq!(retry.fate, Fate::Retry(Some(Duration::from_millis(1500))));
        assert_eq!(Failure::seconds(Duration::from_millis(1500)), 2);
        assert_eq!(Failure::seconds(Duration::from_secs(3)), 3);
        assert_eq!(Failure::seconds(Duration::MAX), u32::MAX);
        assert_eq!(Failure::reject("x").after(Duration::from_secs(1)).fate, Fate::Reject);
    }
}
