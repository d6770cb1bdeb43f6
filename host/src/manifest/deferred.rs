//! What a manifest says of work that is done later: events and jobs.

use std::{collections::BTreeSet, num::NonZeroU32, str::FromStr as _, time::Duration};

use chrono::{DateTime, Utc};
use croner::Cron;
use serde::{Deserialize, Deserializer};

use super::{topic::TopicPattern, values::duration};

const fn at_least_one(number: u32) -> NonZeroU32 {
    match NonZeroU32::new(number) {
        Some(number) => number,
        None => NonZeroU32::MIN,
    }
}

/// A component's share of the events.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct MessagingNeeds {
    /// The topics it may publish.
    pub publishes: BTreeSet<TopicPattern>,
    /// The topics it is sent.
    pub subscribes: BTreeSet<TopicPattern>,
    /// The most events of one call, 1 to 100.
    pub batch: NonZeroU32,
    /// How many calls are under way at once on one host, 1 to 64.
    pub concurrency: NonZeroU32,
    /// How often an event is delivered at most, 1 to 100.
    pub attempts: NonZeroU32,
    /// The delay after the first attempt, 10 ms to an hour; each further one is twice as long, up to an hour.
    #[serde(deserialize_with = "duration")]
    pub retry_delay: Duration,
}

impl Default for MessagingNeeds {
    fn default() -> Self {
        Self {
            publishes: BTreeSet::new(),
            subscribes: BTreeSet::new(),
            batch: at_least_one(16),
            concurrency: at_least_one(4),
            attempts: at_least_one(10),
            retry_delay: Duration::from_secs(1),
        }
    }
}

/// How a component's jobs are run.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct JobNeeds {
    /// How many runs are under way at once on one host, 1 to 64.
    pub concurrency: NonZeroU32,
    /// How often one run is attempted at most, 1 to 100.
    pub attempts: NonZeroU32,
    /// The delay after the first attempt, 10 ms to an hour; each further one is twice as long, up to an hour.
    #[serde(deserialize_with = "duration")]
    pub retry_delay: Duration,
}

impl Default for JobNeeds {
    fn default() -> Self {
        Self { concurrency: at_least_one(4), attempts: at_least_one(10), retry_delay: Duration::from_secs(1) }
    }
}

/// Work that is done again and again.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// When.
    pub cron: CronText,
    /// What the job is given: a JSON text.
    #[serde(default = "null")]
    pub payload: String,
    /// What it is, for the operator.
    #[serde(default)]
    pub description: String,
}

fn null() -> String {
    "null".to_owned()
}

/// A pattern of cron, in UTC: five fields, or six with seconds in front.
#[derive(Clone, Debug)]
pub struct CronText {
    text: String,
    cron: Cron,
}

impl CronText {
    /// Checks a pattern.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let form =
            "write five fields (minute, hour, day of the month, month, day of the week), or six with seconds in front";
        if text.len() > 200 {
            return Err(format!("a cron pattern of {} characters is too long: {form}", text.len()));
        }
        let cron = Cron::from_str(text).map_err(|error| format!("{text:?} is no cron pattern: {error}; {form}"))?;
        let pattern = Self { text: text.to_owned(), cron };
        // 2024-01-01, before a leap day.
        match pattern.next_after(1_704_067_200_000_000) {
            Some(_) => Ok(pattern),
            None => Err(format!("{text:?} is a cron pattern that never comes about")),
        }
    }

    /// The pattern as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first occurrence after a time, both in microseconds since the Unix epoch.
    #[must_use]
    pub fn next_after(&self, micros: i64) -> Option<i64> {
        let time = DateTime::<Utc>::from_timestamp_micros(micros)?;
        self.cron.find_next_occurrence(&time, false).ok().map(|time| time.timestamp_micros())
    }

    /// The last occurrence up to a time, both in microseconds since the Unix epoch.
    #[must_use]
    pub fn last_until(&self, micros: i64) -> Option<i64> {
        let time = DateTime::<Utc>::from_timestamp_micros(micros)?;
        self.cron.find_previous_occurrence(&time, true).ok().map(|time| time.timestamp_micros())
    }
}

impl<'de> Deserialize<'de> for CronText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-03-01 00:00:00 UTC, a Sunday.
    const MARCH: i64 = 1_772_323_200_000_000;
    const MINUTE: i64 = 60_000_000;
    const DAY: i64 = 24 * 60 * MINUTE;

    #[test]
    fn occurrences_are_found_in_utc_to_the_microsecond() {
        let daily = CronText::parse("30 4 * * *").unwrap();
        let half_past_four = 270 * MINUTE;
        assert_eq!(daily.next_after(MARCH), Some(MARCH + half_past_four));
        assert_eq!(daily.next_after(MARCH + half_past_four), Some(MARCH + DAY + half_past_four));
        assert_eq!(daily.next_after(MARCH + half_past_four - 1), Some(MARCH + half_past_four));
        assert_eq!(daily.last_until(MARCH + half_past_four), Some(MARCH + half_past_four));
        assert_eq!(daily.last_until(MARCH + half_past_four - 1), Some(MARCH - DAY + half_past_four));
        assert_eq!(daily.last_until(MARCH + half_past_four + 1), Some(MARCH + half_past_four));
        let each_second = CronText::parse("* * * * * *").unwrap();
        assert_eq!(each_second.next_after(MARCH + 1), Some(MARCH + 1_000_000));
        // Sunday is 0 and 7; Monday 1.
        assert_eq!(CronText::parse("0 0 * * 1").unwrap().next_after(MARCH), Some(MARCH + DAY));
        assert_eq!(CronText::parse("0 0 29 2 *").unwrap().next_after(MARCH), Some(1_835_395_200_000_000));
    }

    #[test]
    fn what_is_no_pattern_is_refused_in_words() {
        for text in ["", "* * * *", "61 * * * *", "every day", "* * * * * * * *", &"*".repeat(300)] {
            let problem = CronText::parse(text).unwrap_err();
            assert!(problem.contains("write five fields"), "{text}: {problem}");
        }
        assert!(CronText::parse("0 0 30 2 *").unwrap_err().contains("never"));
    }
}
