//! Times as people read them: the date in words, the time to the second, and always that it is UTC.

use time::{Month, OffsetDateTime};

use super::number::SPACE;
use crate::i18n::Language;

/// `23 Nov 2026, 16:09:05 UTC` of microseconds since the Unix epoch.
pub(crate) fn moment(microseconds: i64, language: Language) -> String {
    let nanoseconds = i128::from(microseconds) * 1_000;
    let Ok(at) = OffsetDateTime::from_unix_timestamp_nanos(nanoseconds) else {
        return microseconds.to_string();
    };
    let month = language.text(match at.month() {
        Month::January => "month.1",
        Month::February => "month.2",
        Month::March => "month.3",
        Month::April => "month.4",
        Month::May => "month.5",
        Month::June => "month.6",
        Month::July => "month.7",
        Month::August => "month.8",
        Month::September => "month.9",
        Month::October => "month.10",
        Month::November => "month.11",
        Month::December => "month.12",
    });
    let (day, year) = (at.day(), at.year());
    let (hour, minute, second) = at.to_hms();
    format!("{day}{SPACE}{month}{SPACE}{year}, {hour:02}:{minute:02}:{second:02}{SPACE}UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_says_day_time_and_utc() {
        let at = 1_795_450_145_000_000;
        assert_eq!(moment(at, Language::English), "23\u{a0}Nov\u{a0}2026, 16:09:05\u{a0}UTC");
        assert_eq!(moment(at, Language::Russian), "23\u{a0}ноя\u{a0}2026, 16:09:05\u{a0}UTC");
        assert_eq!(moment(0, Language::English), "1\u{a0}Jan\u{a0}1970, 00:00:00\u{a0}UTC");
    }

    #[test]
    fn a_moment_out_of_the_calendar_is_shown_as_it_is() {
        assert_eq!(moment(i64::MAX, Language::English), i64::MAX.to_string());
    }
}
