//! A token bucket by the Generic Cell Rate Algorithm (ITU-T I.371): all that is remembered of it is the time at which it is full again.

/// Nanoseconds of a second.
const SECOND: u64 = 1_000_000_000;

/// The largest quota.
const MOST: u32 = 1_000_000;

/// The longest time until a bucket is full, in seconds.
const LONGEST: u32 = 31 * 24 * 3600;

/// A bucket's size, and how fast it fills.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Quota {
    /// What may be taken at once.
    limit: u32,
    /// Nanoseconds in which one unit is filled in.
    interval: u64,
}

/// What became of a wish to take something. Times are in nanoseconds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Decision {
    /// Whether it was taken.
    pub allowed: bool,
    /// What is left.
    pub remaining: u32,
    /// Until the bucket is full.
    pub reset_after: u64,
    /// Until it could be taken, where it was not and ever can be.
    pub retry_after: Option<u64>,
}

impl Quota {
    /// A bucket of `limit` that is filled within `period` seconds.
    ///
    /// # Errors
    /// What is out of its range.
    pub fn new(limit: u32, period: u32) -> Result<Self, String> {
        if !(1..=MOST).contains(&limit) {
            return Err(format!("a quota's limit is 1 to {MOST}, not {limit}"));
        }
        if !(1..=LONGEST).contains(&period) {
            return Err(format!("a quota's period is 1 to {LONGEST} seconds, not {period}"));
        }
        Ok(Self { limit, interval: u64::from(period) * SECOND / u64::from(limit) })
    }

    /// Takes `cost` at the time `now` from a bucket that is full at `full_at`, and answers when it is full from then on.
    pub fn take(self, full_at: u64, now: u64, cost: u32) -> (Decision, u64) {
        let size = u64::from(self.limit) * self.interval;
        // More than the size, where the quota was a larger one before.
        let missing = full_at.saturating_sub(now);
        let remaining = |missing: u64| u32::try_from(size.saturating_sub(missing) / self.interval).unwrap_or(u32::MAX);
        let refused = |retry_after| {
            let decision =
                Decision { allowed: false, remaining: remaining(missing), reset_after: missing, retry_after };
            (decision, now + missing)
        };
        // As many as there never are; their product may be greater than a number can be.
        if cost > self.limit {
            return refused(None);
        }
        let left = missing + u64::from(cost) * self.interval;
        if left > size {
            return refused(Some(left - size));
        }
        let decision = Decision { allowed: true, remaining: remaining(left), reset_after: left, retry_after: None };
        (decision, now + left)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_taken_fills_in_evenly() {
        // 4 at once, one each half second.
        let quota = Quota::new(4, 2).unwrap();
        let mut full_at = 0;
        let mut take = |now, cost| {
            let (decision, next) = quota.take(full_at, now, cost);
            full_at = next;
            (decision.allowed, decision.remaining, decision.retry_after)
        };
        let at = |milliseconds: u64| 1_000_000 * milliseconds;
        assert_eq!(take(at(1000), 1), (true, 3, None));
        assert_eq!(take(at(1000), 3), (true, 0, None));
        assert_eq!(take(at(1000), 1), (false, 0, Some(at(500))));
        assert_eq!(take(at(1400), 1), (false, 0, Some(at(100))));
        assert_eq!(take(at(1500), 1), (true, 0, None));
        assert_eq!(take(at(2600), 3), (false, 2, Some(at(400))));
        assert_eq!(take(at(2600), 2), (true, 0, None));
        // Long after, it is full and no more.
        assert_eq!(take(at(60_000), 5), (false, 4, None));
        assert_eq!(take(at(60_000), 4), (true, 0, None));
    }

    #[test]
    fn another_quota_keeps_what_was_taken() {
        let (large, small) = (Quota::new(1000, 10).unwrap(), Quota::new(10, 1).unwrap());
        let (_, full_at) = large.take(0, 0, 1000);
        let (decision, full_at) = small.take(full_at, 0, 1);
        assert_eq!((decision.allowed, decision.remaining, decision.reset_after), (false, 0, 10 * SECOND));
        let (decision, _) = large.take(full_at, 0, 1);
        assert_eq!((decision.allowed, decision.remaining), (false, 0));
    }

    #[test]
    fn quotas_have_a_range() {
        for (limit, period) in [(0, 1), (MOST + 1, 1), (1, 0), (1, LONGEST + 1)] {
            assert!(Quota::new(limit, period).is_err(), "{limit} in {period}");
        }
        assert!(Quota::new(MOST, LONGEST).is_ok() && Quota::new(1, 1).is_ok());
    }

    proptest! {
        /// However it is asked for, no more comes out in a time than was in it and flowed in, and who waits as told gets it.
        #[test]
        fn no_more_comes_out_than_goes_in(
            limit in prop_oneof![1..50_u32, 1..=MOST],
            period in prop_oneof![1..20_u32, 1..=LONGEST],
            steps in prop::collection::vec((0..3_000_u64, prop_oneof![1..60_u32, any::<u32>()]), 1..200),
        ) {
            let quota = Quota::new(limit, period).unwrap();
            let (mut now, mut full_at, mut taken) = (0_u64, 0_u64, 0_u64);
            for (wait, cost) in steps {
                now += wait * 1_000_000;
                let (decision, next) = quota.take(full_at, now, cost);
                prop_assert!(decision.remaining <= limit);
                if decision.allowed {
                    taken += u64::from(cost);
                    prop_assert!(decision.retry_after.is_none());
                } else if let Some(wait) = decision.retry_after {
                    prop_assert!(quota.take(full_at, now + wait, cost).0.allowed);
                    prop_assert!(!quota.take(full_at, now + wait - 1, cost).0.allowed);
                } else {
                    prop_assert!(cost > limit);
                }
                prop_assert_eq!(quota.take(next, now + decision.reset_after, limit).0.allowed, true);
                full_at = next;
                prop_assert!(taken <= u64::from(limit) + now / quota.interval);
            }
        }
    }
}
