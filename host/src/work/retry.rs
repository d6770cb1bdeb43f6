//! When work that failed is tried again, and when no more.

use std::time::Duration;

use super::Kind;
use crate::manifest::Manifest;

/// The longest delay of the host's own.
const LONGEST: Duration = Duration::from_secs(3600);

/// The longest delay that a component may ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(7 * 24 * 3600);

/// How one component's work of a kind is done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Policy {
    /// The most items of one call.
    pub(super) batch: u32,
    /// Calls under way at once on this host.
    pub(super) concurrency: usize,
    /// Attempts until it is dead.
    pub(super) attempts: u32,
    /// The delay after the first attempt.
    pub(super) first: Duration,
}

impl Policy {
    /// What a manifest says.
    pub(super) fn of(kind: Kind, manifest: &Manifest) -> Self {
        let (batch, concurrency, attempts, first) = match kind {
            Kind::Event => {
                let needs = &manifest.messaging;
                (needs.batch.get(), needs.concurrency, needs.attempts, needs.retry_delay)
            }
            Kind::Job => (1, manifest.jobs.concurrency, manifest.jobs.attempts, manifest.jobs.retry_delay),
        };
        Self { batch, concurrency: usize::try_from(concurrency.get()).unwrap_or(1), attempts: attempts.get(), first }
    }

    /// The delay after an attempt, counted from 1. `share` is between 0 and 1, by chance: work that failed together does not
    /// come back together.
    pub(super) fn delay(&self, attempt: u32, share: f64) -> Duration {
        let doubled = 1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
        let full = self.first.checked_mul(doubled).unwrap_or(LONGEST).min(LONGEST);
        full.mul_f64(share.clamp(0.0, 1.0).mul_add(0.5, 0.5))
    }
}

/// The delay that a component asked for.
pub(super) fn asked(delay: Duration) -> Duration {
    delay.min(LONGEST_ASKED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_an_hour_and_are_spread_over_half_of_it() {
        let policy = Policy { batch: 1, concurrency: 1, attempts: 10, first: Duration::from_secs(1) };
        let seconds = |attempt, share| policy.delay(attempt, share).as_secs_f64();
        for (attempt, full) in
            [(1, 1.0), (2, 2.0), (5, 16.0), (12, 2048.0), (13, 3600.0), (40, 3600.0), (u32::MAX, 3600.0)]
        {
            assert!((seconds(attempt, 1.0) - full).abs() < 1e-9, "{attempt}");
            assert!((seconds(attempt, 0.0) - full / 2.0).abs() < 1e-9, "{attempt}");
        }
    }
}
