//! When what failed is tried again, and when no more.

use std::time::Duration;

use datamp_sdk::Timestamp;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// Seconds to wait after each attempt that failed, some three days in all.
const DELAYS: [u64; 9] = [5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];

/// How often a delivery is attempted, until somebody replays it.
pub const ATTEMPTS: i64 = 10;

/// An endpoint at which everything fails for so long is disabled.
pub const DISABLED_AFTER: Duration = Duration::from_secs(5 * 24 * HOUR);

/// The longest pause of an endpoint after failures that follow each other. The first one is a second.
const LONGEST_PAUSE: Duration = Duration::from_secs(MINUTE);

/// The longest that an endpoint may ask to be left alone, by `Retry-After`.
const LONGEST_ASKED: Duration = Duration::from_secs(HOUR);

/// How long to wait after attempt `number`, counted from 1, which failed; `None` after the last. `share`, from 0 to 1 by chance, spreads
/// it over a fifth to either side: what failed together does not come back together.
pub fn delay(number: i64, share: f64) -> Option<Duration> {
    let place = usize::try_from(number).ok()?.checked_sub(1)?;
    let seconds = DELAYS.get(place)?;
    Some(Duration::from_secs(*seconds).mul_f64(share.clamp(0.0, 1.0).mul_add(0.4, 0.8)))
}

/// How long an endpoint is left alone after so many failures without a success, whatever is due.
pub fn pause(failures: i64) -> Duration {
    let doublings = u32::try_from(failures.saturating_sub(1).clamp(0, 16)).unwrap_or(0);
    Duration::from_secs(1_u64 << doublings).min(LONGEST_PAUSE)
}

/// What `Retry-After` asks for (RFC 9110, section 10.2.3): seconds, or a date. At least a second, at most an hour. `None` where it can't
/// be read.
pub fn asked(retry_after: &str, now: Timestamp) -> Option<Duration> {
    let value = retry_after.trim();
    let asked = match value.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        // So many digits are no date.
        Err(_) if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => LONGEST_ASKED,
        Err(_) => http_date(value)?.duration_since(now),
    };
    Some(asked.clamp(Duration::from_secs(1), LONGEST_ASKED))
}

/// A date as HTTP writes it (RFC 9110, section 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date(text: &str) -> Option<Timestamp> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut parts = text.split_once(", ")?.1.strip_suffix(" GMT")?.split(' ');
    let (day, month, year, time) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    Timestamp::parse(&format!("{year}-{month:02}-{day}T{time}Z")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ten_attempts_take_three_days() {
        let delays: Vec<_> = (1..).map_while(|number| delay(number, 0.5)).collect();
        assert_eq!(delays.len() as i64 + 1, ATTEMPTS);
        assert_eq!(delays[0], Duration::from_secs(5));
        assert_eq!(delays[8], Duration::from_secs(86_400));
        assert!(delays.is_sorted());
        let days = delays.iter().sum::<Duration>().as_secs_f64() / 86_400.0;
        assert!((3.0..3.5).contains(&days), "{days}");
        assert_eq!((delay(0, 0.5), delay(-1, 0.5), delay(10, 0.5)), (None, None, None));
    }

    #[test]
    fn delays_are_spread() {
        assert_eq!(delay(1, 0.0), Some(Duration::from_secs(4)));
        assert_eq!(delay(1, 1.0), Some(Duration::from_secs(6)));
        assert_eq!(delay(1, 7.0), Some(Duration::from_secs(6)));
    }

    #[test]
    fn a_pause_grows_up_to_a_minute_and_never_beyond_the_delay_of_what_failed() {
        assert_eq!([1, 2, 3, 6, 7, i64::MAX].map(|n| pause(n).as_secs()), [1, 2, 4, 32, 60, 60]);
        for number in 1..ATTEMPTS {
            assert!(Some(pause(number)) < delay(number, 0.0));
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_within_an_hour() {
        let now = Timestamp::parse("1994-11-06T08:49:07Z").unwrap();
        let seconds = |text| asked(text, now).map(|delay| delay.as_secs());
        for (text, expected) in [
            ("120", Some(120)),
            (" 7 ", Some(7)),
            ("0", Some(1)),
            ("3601", Some(3600)),
            ("99999999999999999999999", Some(3600)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(30)),
            ("Sun, 06 Nov 1994 08:49:01 GMT", Some(1)),
            ("Mon, 07 Nov 1994 08:49:01 GMT", Some(3600)),
            ("Sun, 06 Nov 1994 08:49:37 CET", None),
            ("Sun, 06 Foo 1994 08:49:37 GMT", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(seconds(text), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_retry_after_is_bounded_or_no_answer(text in "\\PC{0,40}") {
            if let Some(delay) = asked(&text, Timestamp::from_seconds(1_700_000_000)) {
                prop_assert!((1..=3600).contains(&delay.as_secs()));
            }
        }
    }
}
