//! The buckets of a component by key, bounded in number.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::Arc,
    time::Instant,
};

use parking_lot::Mutex;

use super::bucket::{Decision, Quota};

/// The parts that are locked by themselves; a power of two.
const PARTS: usize = 16;

/// The most keys of one component.
const MOST: usize = 100_000;

/// The keys of all components, each component's by itself. They outlive generations: a swap gives nobody a full bucket.
#[derive(Default)]
pub struct Rates(Mutex<HashMap<String, Arc<Keys>>>);

impl Rates {
    /// Those of a component.
    #[must_use]
    pub fn of(&self, component: &str) -> Arc<Keys> {
        Arc::clone(self.0.lock().entry(component.to_owned()).or_default())
    }
}

/// The buckets of one component.
pub struct Keys {
    /// For each key the time at which its bucket is full, in nanoseconds since `started`. A key whose bucket is full need not be there.
    parts: [Mutex<HashMap<Box<str>, u64>>; PARTS],
    /// Which part a key is in. Random, as callers may choose keys.
    hasher: RandomState,
    started: Instant,
    /// The most keys of one part.
    most: usize,
}

impl Default for Keys {
    fn default() -> Self {
        Self::bounded(MOST)
    }
}

impl Keys {
    fn bounded(most: usize) -> Self {
        let parts = std::array::from_fn(|_| Mutex::default());
        Self { parts, hasher: RandomState::new(), started: Instant::now(), most: most.div_ceil(PARTS) }
    }

    /// Takes `cost` from the bucket of a key, now.
    #[must_use]
    pub fn take(&self, key: &str, quota: Quota, cost: u32) -> Decision {
        let now = u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.take_at(now, key, quota, cost)
    }

    fn take_at(&self, now: u64, key: &str, quota: Quota, cost: u32) -> Decision {
        let hash = usize::try_from(self.hasher.hash_one(key) % PARTS as u64).unwrap_or_default();
        let Some(part) = self.parts.get(hash) else { return quota.take(now, now, cost).0 };
        let mut part = part.lock();
        if let Some(full_at) = part.get_mut(key) {
            let (decision, next) = quota.take(*full_at, now, cost);
            *full_at = next;
            return decision;
        }
        let (decision, full_at) = quota.take(now, now, cost);
        if decision.allowed {
            if part.len() >= self.most {
                make_room(&mut part, now);
            }
            part.insert(key.into(), full_at);
        }
        decision
    }

    #[cfg(test)]
    fn count(&self) -> usize {
        self.parts.iter().map(|part| part.lock().len()).sum()
    }
}

/// Forgets the keys whose buckets are full, which changes nothing; if they are too few, those that are nearest to it. A quarter at
/// once, so that the next ones need not look again.
fn make_room(part: &mut HashMap<Box<str>, u64>, now: u64) {
    let wanted = (part.len() / 4).max(1);
    let before = part.len();
    part.retain(|_, full_at| *full_at > now);
    let Some(missing) = wanted.checked_sub(before - part.len()).filter(|missing| *missing > 0) else { return };
    let mut times: Vec<u64> = part.values().copied().collect();
    let place = missing.min(times.len()).saturating_sub(1);
    if times.is_empty() {
        return;
    }
    let (_, last, _) = times.select_nth_unstable(place);
    let last = *last;
    part.retain(|_, full_at| *full_at > last);
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn quota() -> Quota {
        Quota::new(10, 10).unwrap()
    }

    #[test]
    fn each_key_has_a_bucket_and_each_component_its_keys() {
        let rates = Rates::default();
        let (one, other) = (rates.of("one"), rates.of("other"));
        // Filled again long after the test.
        let quota = Quota::new(10, 86_400).unwrap();
        assert!(one.take("a", quota, 10).allowed && !one.take("a", quota, 10).allowed);
        assert!(one.take("b", quota, 10).allowed && other.take("a", quota, 10).allowed);
        assert!(!rates.of("one").take("a", quota, 10).allowed, "it is the same table again");
    }

    #[test]
    fn keys_are_bounded_and_those_that_have_taken_most_are_kept() {
        let keys = Keys::bounded(1600);
        for number in 0..100 {
            assert!(keys.take_at(0, &format!("greedy {number}"), quota(), 10).allowed);
        }
        for number in 0..10_000 {
            assert!(keys.take_at(number, &format!("modest {number}"), quota(), 1).allowed);
        }
        assert!(keys.count() <= 1600, "{}", keys.count());
        for number in 0..100 {
            assert!(!keys.take_at(10_000, &format!("greedy {number}"), quota(), 10).allowed, "{number} was forgotten");
        }
    }

    #[test]
    fn keys_whose_buckets_are_full_make_room_first() {
        let keys = Keys::bounded(1600);
        for number in 0..1000 {
            let _ = keys.take_at(0, &format!("early {number}"), quota(), 1);
        }
        for number in 0..100 {
            let _ = keys.take_at(5 * SECOND, &format!("late {number}"), quota(), 10);
        }
        for number in 0..2000 {
            let _ = keys.take_at(5 * SECOND, &format!("later {number}"), quota(), 5);
        }
        let late = |number| keys.take_at(5 * SECOND, &format!("late {number}"), quota(), 1).allowed;
        assert!((0..100).all(|number| !late(number)));
    }

    #[test]
    fn what_is_refused_takes_no_place() {
        let keys = Keys::default();
        assert_eq!(keys.take("a", quota(), 11).retry_after, None);
        assert_eq!(keys.count(), 0);
    }

    #[test]
    fn of_many_keys_none_is_forgotten_or_taken_for_another() {
        let keys = Keys::default();
        let names: Vec<String> = (0..50_000).map(|number| format!("key_{number:026}")).collect();
        for may_take in [true, false] {
            for name in &names {
                assert_eq!(keys.take_at(0, name, quota(), 10).allowed, may_take, "{name}");
            }
        }
        assert_eq!(keys.count(), names.len());
    }
}
