//! Bounds of time in tests: a busy machine only adds to them, so what is bounded is done again until it was quick once.

use std::{
    fmt::Debug,
    time::{Duration, Instant},
};

/// What did not hold for so long does not hold.
const PATIENCE: Duration = Duration::from_secs(60);

/// Rounds of the same thing.
pub(crate) struct Rounds(Instant);

impl Rounds {
    pub(crate) fn begin() -> Self {
        Self(Instant::now())
    }

    /// Whether a round took less than that; another one follows if not.
    #[track_caller]
    pub(crate) fn quick(&self, took: Duration, bound: Duration) -> bool {
        self.done(took < bound, took)
    }

    /// Whether something holds, by what was seen; another round follows if not.
    #[track_caller]
    pub(crate) fn done(&self, holds: bool, seen: impl Debug) -> bool {
        assert!(holds || self.0.elapsed() < PATIENCE, "after {PATIENCE:?} still {seen:?}");
        holds
    }
}
