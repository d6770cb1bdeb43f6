//! How many codes may be asked for, in one table (ASVS 6.3.1, 6.5.5, 6.6.3).
//!
//! | | another component | a client application |
//! | --- | --- | --- |
//! | between two codes | 60 s, then 120, 240 ... up to 1 h | the same |
//! | to one recipient | 8 in an hour, 15 in a day | 3 in an hour, 6 in a day |
//! | for one subject | 5 in an hour, 10 in a day | not counted |
//! | from one network | 60 in an hour, 300 in a day | 20 in an hour, 60 in a day |
//!
//! - A recipient's codes are counted whoever asked for them, so that strangers can fill neither a mailbox nor the whole of
//!   what a component may send to it.
//! - The gap grows with the codes of the last day to the same recipient or subject, of the same kind of caller, and is short
//!   again once one was used.
//! - The subject that a client application names is nobody's word, so it is not counted: a stranger could use it up.
//! - A code whose letter could not be handed over is not counted against recipient, subject and gap: they got nothing.
//!   It is counted against the network, since it was work that somebody there asked for.

use std::time::Duration;

use datamp_models::communication::RESEND_GAP;
use datamp_sdk::time::Timestamp;

/// Who asks for a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Another component, which knows whom it vouches for.
    Component,
    /// A client application: anybody.
    Client,
}

/// What an earlier code has in common with the one that is asked for now. History holds none that has nothing.
#[derive(Clone, Copy, Debug)]
pub struct Earlier {
    /// When it was asked for.
    pub at: Timestamp,
    /// Who asked for it.
    pub origin: Origin,
    /// It went to the same address.
    pub same_recipient: bool,
    /// It was for the same subject, by a component's word both times.
    pub same_subject: bool,
    /// It was asked for from the same network.
    pub same_network: bool,
    /// Its letter could not be handed over.
    pub failed: bool,
    /// It was used.
    pub verified: bool,
}

#[derive(Clone, Copy)]
enum Counted {
    Recipient,
    Subject,
    Network,
}

struct Limit {
    origin: Origin,
    counted: Counted,
    most: usize,
    window: Duration,
}

const HOUR: Duration = Duration::from_hours(1);

/// The longest window: what is older counts for nothing.
pub const DAY: Duration = Duration::from_hours(24);

const LONGEST_GAP: Duration = HOUR;

#[rustfmt::skip]
const LIMITS: [Limit; 10] = [
    Limit { origin: Origin::Component, counted: Counted::Recipient, most:   8, window: HOUR },
    Limit { origin: Origin::Component, counted: Counted::Recipient, most:  15, window: DAY },
    Limit { origin: Origin::Component, counted: Counted::Subject,   most:   5, window: HOUR },
    Limit { origin: Origin::Component, counted: Counted::Subject,   most:  10, window: DAY },
    Limit { origin: Origin::Component, counted: Counted::Network,   most:  60, window: HOUR },
    Limit { origin: Origin::Component, counted: Counted::Network,   most: 300, window: DAY },
    Limit { origin: Origin::Client,    counted: Counted::Recipient, most:   3, window: HOUR },
    Limit { origin: Origin::Client,    counted: Counted::Recipient, most:   6, window: DAY },
    Limit { origin: Origin::Client,    counted: Counted::Network,   most:  20, window: HOUR },
    Limit { origin: Origin::Client,    counted: Counted::Network,   most:  60, window: DAY },
];

impl Counted {
    fn counts(self, earlier: &Earlier) -> bool {
        match self {
            Self::Recipient => earlier.same_recipient && !earlier.failed,
            Self::Subject => earlier.same_subject && !earlier.failed,
            Self::Network => earlier.same_network,
        }
    }
}

/// The gap after the last of so many codes in a row.
fn gap(codes: usize) -> Duration {
    let doublings = u32::try_from(codes.saturating_sub(1)).unwrap_or(u32::MAX);
    RESEND_GAP.saturating_mul(2_u32.saturating_pow(doublings)).min(LONGEST_GAP)
}

/// When a code may be asked for, given what was asked for before (in any order): now or earlier means that it may.
pub fn next_allowed(origin: Origin, history: &[Earlier], now: Timestamp) -> Timestamp {
    let mut newest_first: Vec<&Earlier> = history.iter().filter(|earlier| earlier.at + DAY > now).collect();
    newest_first.sort_by_key(|earlier| std::cmp::Reverse(earlier.at));

    let mut allowed = now;
    for limit in LIMITS.iter().filter(|limit| limit.origin == origin) {
        let mut counted = newest_first.iter().filter(|earlier| limit.counted.counts(earlier));
        // The window has room again when the last that fills it leaves it.
        if let Some(last) = counted.nth(limit.most - 1) {
            allowed = allowed.max(last.at + limit.window);
        }
    }

    let mut row = newest_first
        .iter()
        .filter(|earlier| {
            earlier.origin == origin && !earlier.failed && (earlier.same_recipient || earlier.same_subject)
        })
        .take_while(|earlier| !earlier.verified)
        .peekable();
    if let Some(latest) = row.peek().map(|latest| latest.at) {
        allowed = allowed.max(latest + gap(row.count()));
    }
    allowed
}

/// When the next code may be asked for, once the one that is allowed now was sent: by the gap alone, for a screen to count down.
pub fn resend_at(origin: Origin, history: &[Earlier], now: Timestamp) -> Timestamp {
    let sent = Earlier {
        at: now,
        origin,
        same_recipient: true,
        same_subject: true,
        same_network: true,
        failed: false,
        verified: false,
    };
    let mut history = history.to_vec();
    history.push(sent);
    next_allowed(origin, &history, now)
}

/// Whole seconds until then, at least one, for `Retry-After`.
pub fn seconds_until(then: Timestamp, now: Timestamp) -> u32 {
    let microseconds = then.duration_since(now).as_micros();
    u32::try_from(microseconds.max(1).div_ceil(1_000_000)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_micros(1_800_000_000_000_000) + Duration::from_secs(seconds)
    }

    fn to_recipient(seconds: u64, origin: Origin) -> Earlier {
        Earlier {
            at: at(seconds),
            origin,
            same_recipient: true,
            same_subject: false,
            same_network: false,
            failed: false,
            verified: false,
        }
    }

    /// Asks whenever it is allowed, and answers when that was, in seconds from the first.
    fn ask_eagerly(origin: Origin, codes: usize, like: impl Fn(u64) -> Earlier) -> Vec<u64> {
        let mut history = Vec::new();
        let mut times = Vec::new();
        let mut now = 0;
        while times.len() < codes {
            let next = next_allowed(origin, &history, at(now));
            if next > at(now) {
                now += u64::from(seconds_until(next, at(now)));
            } else {
                times.push(now);
                history.push(like(now));
            }
        }
        times
    }

    #[test]
    fn the_first_code_is_sent_at_once() {
        assert_eq!(next_allowed(Origin::Client, &[], at(5)), at(5));
        assert_eq!(resend_at(Origin::Client, &[], at(5)), at(65));
    }

    #[test]
    fn the_gap_begins_at_a_minute_and_doubles_up_to_an_hour() {
        let gaps: Vec<u64> = (1..=9).map(|codes| gap(codes).as_secs()).collect();
        assert_eq!(gaps, [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]);
        assert_eq!(gap(10_000), LONGEST_GAP);
    }

    #[test]
    fn a_subject_gets_five_codes_in_an_hour_and_ten_in_a_day() {
        let times = ask_eagerly(Origin::Component, 11, |seconds| Earlier {
            same_subject: true,
            ..to_recipient(seconds, Origin::Component)
        });
        assert_eq!(times[..5], [0, 60, 180, 420, 900]);
        assert_eq!(times[5], 3600, "the sixth waits for the first to be an hour old");
        assert_eq!(times[10], 24 * 3600, "the eleventh waits for the first to be a day old");
    }

    #[test]
    fn strangers_get_three_codes_in_an_hour_to_a_recipient_and_leave_room_for_components() {
        let times = ask_eagerly(Origin::Client, 7, |seconds| to_recipient(seconds, Origin::Client));
        assert_eq!(times[..4], [0, 60, 180, 3600]);
        assert_eq!(times[6], 24 * 3600);
        let history: Vec<Earlier> = times[..6].iter().map(|seconds| to_recipient(*seconds, Origin::Client)).collect();
        assert_eq!(next_allowed(Origin::Component, &history, at(times[5] + 1)), at(times[5] + 1));
    }

    #[test]
    fn a_network_is_limited_over_all_recipients() {
        let from_network =
            |seconds| Earlier { same_recipient: false, same_network: true, ..to_recipient(seconds, Origin::Client) };
        let times = ask_eagerly(Origin::Client, 61, from_network);
        assert_eq!(times[19], 0, "twenty recipients at once");
        assert_eq!(times[20], 3600);
        assert_eq!(times[60], 24 * 3600);
    }

    #[test]
    fn a_code_that_was_not_sent_counts_against_the_network_alone() {
        let failed = Earlier { failed: true, same_subject: true, ..to_recipient(0, Origin::Component) };
        assert_eq!(next_allowed(Origin::Component, &[failed; 20], at(1)), at(1));
        let failed = Earlier { same_network: true, ..failed };
        assert_eq!(next_allowed(Origin::Component, &[failed; 60], at(1)), at(3600));
    }

    #[test]
    fn after_a_used_code_the_gap_is_short_again() {
        let mut history = vec![to_recipient(0, Origin::Component), to_recipient(60, Origin::Component)];
        assert_eq!(next_allowed(Origin::Component, &history, at(61)), at(180));
        history[1].verified = true;
        assert_eq!(next_allowed(Origin::Component, &history, at(61)), at(61));
        history.push(to_recipient(70, Origin::Component));
        assert_eq!(next_allowed(Origin::Component, &history, at(71)), at(130));
    }

    #[test]
    fn yesterday_counts_for_nothing() {
        let history =
            vec![Earlier { same_subject: true, same_network: true, ..to_recipient(0, Origin::Component) }; 400];
        assert_eq!(next_allowed(Origin::Component, &history, at(24 * 3600)), at(24 * 3600));
    }

    #[test]
    fn seconds_are_rounded_up() {
        assert_eq!(seconds_until(at(1), at(0)), 1);
        assert_eq!(seconds_until(at(0) + Duration::from_micros(1), at(0)), 1);
        assert_eq!(seconds_until(at(0), at(5)), 1);
        assert_eq!(seconds_until(at(2) + Duration::from_micros(1), at(0)), 3);
    }

    fn earlier() -> impl Strategy<Value = Earlier> {
        (0_u64..100_000, any::<[bool; 6]>()).prop_map(
            |(seconds, [component, same_recipient, same_subject, same_network, failed, verified])| Earlier {
                at: at(seconds),
                origin: if component { Origin::Component } else { Origin::Client },
                same_recipient,
                same_subject,
                same_network,
                failed,
                verified,
            },
        )
    }

    proptest! {
        #[test]
        fn whoever_waits_as_long_as_told_may_ask(history in prop::collection::vec(earlier(), 0..80), component: bool) {
            let origin = if component { Origin::Component } else { Origin::Client };
            let next = next_allowed(origin, &history, at(100_000));
            prop_assert!(next >= at(100_000) && next <= at(100_000) + DAY);
            prop_assert_eq!(next_allowed(origin, &history, next), next);
        }

        #[test]
        fn the_order_of_history_does_not_matter(mut history in prop::collection::vec(earlier(), 0..40)) {
            // Times that tie are told apart by nothing.
            history.sort_by_key(|earlier| earlier.at);
            history.dedup_by_key(|earlier| earlier.at);
            let forwards = next_allowed(Origin::Component, &history, at(100_000));
            history.reverse();
            prop_assert_eq!(next_allowed(Origin::Component, &history, at(100_000)), forwards);
        }
    }
}
