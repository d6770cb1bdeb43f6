//! How long a password guesser waits: the policy is [`delay`], one match.
//!
//! - A try is counted before the password is looked at, under a lock on its counters: a thousand tries at once are
//!   a thousand failures in a row, not one.
//! - Whether an account exists changes nothing: what is counted is the address that was typed.
//! - A login that succeeds clears the account's counter, but takes back only its own try from the network's: whoever owns
//!   one account can't buy guesses at others with it.
//! - What is counted is forgotten bit by bit, one failure after the other, so that the few mistakes of every day in an
//!   office never add up.
//! - An account's delay stops at 15 minutes, so that a stranger who knows an address can slow its owner down, not shut
//!   them out (ASVS 6.1.1).

use std::time::Duration;

use datamp_models::communication::{ClientNetwork, EmailAddress};
use datamp_sdk::crypto::signatures::{self, Key};
use datamp_sdk::database::{self, Transaction};
use datamp_sdk::time::Timestamp;
use datamp_sdk::{Problem, params};

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Failed logins to an address, from anywhere.
    Account,
    /// Failed logins from a network, to any address. An office behind one address is a network too.
    Network,
    /// Registrations and letters asked for from a network.
    Registration,
}

/// How long after the last one the next is let through, where so many are not forgotten.
pub const fn delay(kind: Kind, failures: i64) -> Duration {
    match (kind, failures) {
        (Kind::Account, ..=2) => Duration::ZERO,
        (Kind::Account, 3) => Duration::from_secs(1),
        (Kind::Account, 4) => Duration::from_secs(2),
        (Kind::Account, 5) => Duration::from_secs(5),
        (Kind::Account, 6) => Duration::from_secs(15),
        (Kind::Account, 7..=9) => Duration::from_mins(1),
        (Kind::Account, 10..=14) => Duration::from_mins(5),
        (Kind::Account, 15..) => Duration::from_mins(15),

        (Kind::Network, ..=9) => Duration::ZERO,
        (Kind::Network, 10..=14) => Duration::from_secs(5),
        (Kind::Network, 15..=19) => Duration::from_mins(1),
        (Kind::Network, 20..=29) => Duration::from_mins(10),
        (Kind::Network, 30..) => Duration::from_hours(1),

        (Kind::Registration, ..=19) => Duration::ZERO,
        (Kind::Registration, 20..=49) => Duration::from_secs(30),
        (Kind::Registration, 50..) => Duration::from_mins(10),
    }
}

/// How long it takes to forget one.
const fn forgetting(kind: Kind) -> Duration {
    match kind {
        Kind::Account => Duration::from_hours(1),
        Kind::Network => Duration::from_mins(15),
        Kind::Registration => Duration::from_mins(3),
    }
}

/// The most that are remembered: what comes beyond makes no delay longer.
const fn most(kind: Kind) -> u32 {
    match kind {
        Kind::Account => 20,
        Kind::Network => 40,
        Kind::Registration => 60,
    }
}

/// How many are not forgotten; one that is half forgotten counts.
fn failures(kind: Kind, forgotten_at: Timestamp, now: Timestamp) -> i64 {
    let failures = forgotten_at.duration_since(now).as_micros().div_ceil(forgetting(kind).as_micros());
    i64::try_from(failures).unwrap_or(i64::MAX)
}

/// Counts one more: when all will be forgotten, or, where it comes too early, when it is let through.
fn count(kind: Kind, forgotten_at: Timestamp, last_at: Timestamp, now: Timestamp) -> Result<Timestamp, Timestamp> {
    let delay = delay(kind, failures(kind, forgotten_at, now));
    // The last one may bear a later time: its clock was read after ours, or is another host's.
    if now.duration_since(last_at) < delay {
        return Err(last_at + delay);
    }
    Ok((forgotten_at.max(now) + forgetting(kind)).min(now + forgetting(kind) * most(kind)))
}

/// A counter: a kind, and a keyed hash of whom it counts for, so that the table holds neither addresses nor networks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counter {
    kind: Kind,
    key: String,
}

impl Counter {
    /// The counter of failed logins to an address.
    pub fn of_account(email: &EmailAddress) -> Result<Self, Problem> {
        Self::of(Kind::Account, "account", &email.key())
    }

    /// The counter of failed logins from a network.
    pub fn of_network(network: &ClientNetwork) -> Result<Self, Problem> {
        Self::of(Kind::Network, "network", network.as_str())
    }

    /// The counter of registrations from a network.
    pub fn of_registrations(network: &ClientNetwork) -> Result<Self, Problem> {
        Self::of(Kind::Registration, "registration", network.as_str())
    }

    fn of(kind: Kind, name: &str, whose: &str) -> Result<Self, Problem> {
        let hash = signatures::sign(Key::Own("login-delay"), format!("{name}:{whose}").as_bytes())?;
        Ok(Self { kind, key: format!("{name}:{}", hex::encode(hash)) })
    }
}

/// Counts a try with each counter, or answers 429 with the time to wait, having counted nothing.
pub fn count_tries(counters: &[Counter]) -> Result<(), Problem> {
    // In one order everywhere, so that two can't wait for each other.
    let mut counters: Vec<&Counter> = counters.iter().collect();
    counters.sort_by(|a, b| a.key.cmp(&b.key));
    database::transaction(|tx| {
        let now = Timestamp::now();
        let mut counted = Vec::new();
        let mut until = now;
        for counter in &counters {
            // Locks the row, there or not; what is read is then what the one before has left.
            let (forgotten_at, last_at): (Timestamp, Timestamp) = tx.query_one(
                "INSERT INTO login_delay (key, forgotten_at, last_at) VALUES ($1, 0, 0) \
                 ON CONFLICT (key) DO UPDATE SET last_at = login_delay.last_at RETURNING forgotten_at, last_at",
                params![counter.key],
            )?;
            match count(counter.kind, forgotten_at, last_at, now) {
                Ok(forgotten_at) => counted.push((&counter.key, forgotten_at)),
                Err(later) => until = until.max(later),
            }
        }
        if until > now {
            let seconds = until.duration_since(now).as_micros().div_ceil(1_000_000);
            return Err(Problem::too_many_requests(u64::try_from(seconds).unwrap_or(u64::MAX)));
        }
        for (key, forgotten_at) in counted {
            tx.execute(
                "UPDATE login_delay SET forgotten_at = $2, last_at = $3 WHERE key = $1",
                params![key, forgotten_at, now],
            )?;
        }
        Ok(())
    })
}

/// Takes back what a login has counted that succeeded.
pub fn forgive(tx: &Transaction, account: &Counter, network: &Counter, now: Timestamp) -> Result<(), database::Error> {
    let one = i64::try_from(forgetting(Kind::Network).as_micros()).unwrap_or(i64::MAX);
    tx.execute("DELETE FROM login_delay WHERE key = $1", params![account.key])?;
    tx.execute("UPDATE login_delay SET forgotten_at = forgotten_at - $2 WHERE key = $1", params![network.key, one])?;
    // What is forgotten delays nothing, and goes by the way.
    tx.execute("DELETE FROM login_delay WHERE forgotten_at < $1", params![now])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KINDS: [Kind; 3] = [Kind::Account, Kind::Network, Kind::Registration];
    const DAY: u64 = 86_400;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_micros(1_800_000_000_000_000) + Duration::from_secs(seconds)
    }

    /// Fails as often as it may, and answers when, in seconds from the first.
    fn fail_eagerly(kind: Kind, seconds: u64) -> Vec<u64> {
        let (mut forgotten_at, mut last_at, mut now) = (at(0), at(0), 0);
        let mut times = Vec::new();
        while now < seconds {
            match count(kind, forgotten_at, last_at, at(now)) {
                Ok(later) => {
                    times.push(now);
                    (forgotten_at, last_at) = (later, at(now));
                }
                Err(until) => now = until.duration_since(at(0)).as_secs(),
            }
        }
        times
    }

    #[test]
    fn an_account_waits_from_the_third_failure_on() {
        let seconds =
            [0, 2, 3, 4, 5, 6, 7, 9, 10, 14, 15, 1000].map(|failures| delay(Kind::Account, failures).as_secs());
        assert_eq!(seconds, [0, 0, 1, 2, 5, 15, 60, 60, 300, 300, 900, 900]);
        assert_eq!(fail_eagerly(Kind::Account, 30), [0, 0, 0, 1, 3, 8, 23]);
    }

    #[test]
    fn a_network_waits_from_the_tenth_failure_on() {
        let seconds = [0, 9, 10, 15, 20, 30, 1000].map(|failures| delay(Kind::Network, failures).as_secs());
        assert_eq!(seconds, [0, 0, 5, 60, 600, 3600, 3600]);
    }

    #[test]
    fn a_guesser_gets_a_hundred_tries_a_day_at_an_account_and_from_a_network() {
        for kind in [Kind::Account, Kind::Network] {
            let tries = fail_eagerly(kind, 10 * DAY).len();
            assert!((900..=1200).contains(&tries), "{kind:?}: {tries} in ten days");
        }
    }

    #[test]
    fn twenty_may_register_from_an_office_at_once() {
        let times = fail_eagerly(Kind::Registration, DAY);
        assert_eq!((times[19], times[20]), (0, 30));
        assert!(times.len() <= 600, "{}", times.len());
    }

    #[test]
    fn an_office_where_some_mistype_every_day_never_waits() {
        let (mut forgotten_at, mut last_at) = (at(0), at(0));
        // A login every three minutes for ten days, of which every tenth fails; what succeeds takes its own try back.
        for login in 0..4800 {
            let now = at(login * 180);
            let counted = count(Kind::Network, forgotten_at, last_at, now).expect("nobody waits");
            forgotten_at = if login % 10 == 0 { counted } else { counted - forgetting(Kind::Network) };
            last_at = now;
        }
    }

    #[test]
    fn a_try_beside_another_one_waits_for_nothing_but_its_delay() {
        assert!(count(Kind::Registration, at(0), at(1), at(0)).is_ok(), "the other one read the clock later");
    }

    #[test]
    fn failures_are_forgotten_one_by_one() {
        let forgotten_at = at(3 * 3600);
        for (now, left) in [(0, 3), (1, 3), (3600, 2), (3 * 3600 - 1, 1), (3 * 3600, 0), (9 * 3600, 0)] {
            assert_eq!(failures(Kind::Account, forgotten_at, at(now)), left, "after {now} s");
        }
    }

    proptest! {
        #[test]
        fn a_delay_never_shrinks_with_more_failures(kind in prop::sample::select(&KINDS[..]), failures in 0_i64..200) {
            prop_assert!(delay(kind, failures) <= delay(kind, failures + 1));
        }

        #[test]
        fn whoever_waits_as_long_as_told_is_let_through(
            kind in prop::sample::select(&KINDS[..]), forgotten in 0_u64..400_000, last in 0_u64..100_000, elapsed in 0_u64..100_000,
        ) {
            let (forgotten_at, last_at, now) = (at(forgotten), at(last), at(last + elapsed));
            if let Err(until) = count(kind, forgotten_at, last_at, now) {
                prop_assert!(until > now);
                prop_assert!(count(kind, forgotten_at, last_at, until).is_ok());
            }
        }

        #[test]
        fn no_more_is_remembered_than_makes_a_difference(kind in prop::sample::select(&KINDS[..]), forgotten in 0_u64..10_000_000) {
            if let Ok(forgotten_at) = count(kind, at(forgotten), at(0), at(100_000)) {
                let remembered = failures(kind, forgotten_at, at(100_000));
                prop_assert!((1..=i64::from(most(kind))).contains(&remembered));
                prop_assert_eq!(delay(kind, i64::from(most(kind))), delay(kind, i64::MAX));
            }
        }
    }
}
