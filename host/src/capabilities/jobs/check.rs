//! What is wrong with jobs before they are scheduled.

use std::collections::BTreeMap;

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::scheduler::{NewJob, SchedulerError};
use crate::capabilities::messaging::check::{LONGEST_CALL, MOST, payload};

/// The longest name, in characters.
const LONGEST_NAME: usize = 100;

/// The longest key, in characters.
const LONGEST_KEY: usize = 200;

/// How far ahead a job may be, in microseconds: ten years.
const FURTHEST: i64 = 10 * 366 * 24 * 3600 * 1_000_000;

/// A job that can be scheduled.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Checked {
    pub(super) name: String,
    pub(super) key: String,
    /// Microseconds since the Unix epoch.
    pub(super) run_at: i64,
    pub(super) payload: String,
}

/// Checks a name and a key.
///
/// # Errors
/// What is wrong with them.
pub(super) fn name_and_key(name: &str, key: &str) -> Result<(), SchedulerError> {
    for (what, text, longest) in [("name", name, LONGEST_NAME), ("key", key, LONGEST_KEY)] {
        if text.is_empty() || text.contains('\0') || text.chars().count() > longest {
            return Err(SchedulerError::Invalid(format!("a job's {what} has 1 to {longest} characters, and no NUL")));
        }
    }
    Ok(())
}

/// Checks jobs. Of several with one name and key, the last counts.
///
/// # Errors
/// The first thing that is wrong.
pub(super) fn check(jobs: Vec<NewJob>, now: i64) -> Result<Vec<Checked>, SchedulerError> {
    count(jobs.len())?;
    let bytes: usize = jobs.iter().map(|job| job.payload.len()).sum();
    let mut checked = BTreeMap::new();
    for NewJob { name, key, run_at, payload: text } in jobs {
        name_and_key(&name, &key)?;
        let invalid =
            |problem: String| SchedulerError::Invalid(format!("the job {name:?} with the key {key:?}: {problem}"));
        let time = OffsetDateTime::parse(&run_at, &Rfc3339)
            .map_err(|error| invalid(format!("its time {run_at:?} is not RFC 3339: {error}")))?;
        let micros = i64::try_from(time.unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX);
        if micros > now.saturating_add(FURTHEST) {
            return Err(invalid(format!("its time {run_at} is more than ten years ahead")));
        }
        if let Some(problem) = payload(&text) {
            return Err(invalid(format!("its payload {problem}")));
        }
        let job = Checked { name: name.clone(), key: key.clone(), run_at: micros.max(0), payload: text };
        checked.insert((name, key), job);
    }
    if bytes > LONGEST_CALL {
        return Err(SchedulerError::TooMany(format!("{bytes} bytes of payloads, and at most 4 MiB are taken at once")));
    }
    Ok(checked.into_values().collect())
}

/// Checks how many there are in one call.
///
/// # Errors
/// Where there are too many.
pub(super) fn count(count: usize) -> Result<(), SchedulerError> {
    if count > MOST {
        return Err(SchedulerError::TooMany(format!("{count} jobs, and at most {MOST} are taken at once")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(name: &str, key: &str, run_at: &str, payload: &str) -> NewJob {
        NewJob { name: name.into(), key: key.into(), run_at: run_at.into(), payload: payload.into() }
    }

    #[test]
    fn every_fault_is_told_and_the_last_of_a_key_counts() {
        let now = 1_772_323_200_000_000;
        let time = "2026-03-01T01:00:00+01:00";
        let [one, two] = check(
            vec![job("a", "k", time, "1"), job("b", "k", "1970-01-01T00:00:00Z", "2"), job("a", "k", time, "3")],
            now,
        )
        .unwrap()
        .try_into()
        .unwrap();
        assert_eq!((one.name.as_str(), one.payload.as_str(), one.run_at), ("a", "3", now));
        assert_eq!((two.name.as_str(), two.run_at), ("b", 0));
        let (long_name, long_key) = ("n".repeat(101), "k".repeat(201));
        for (wrong, says) in [
            (job("", "k", time, "1"), "1 to 100"),
            (job(&long_name, "k", time, "1"), "1 to 100"),
            (job("a", "", time, "1"), "1 to 200"),
            (job("a", &long_key, time, "1"), "1 to 200"),
            (job("a\0", "k", time, "1"), "NUL"),
            (job("a", "k", "tomorrow", "1"), "RFC 3339"),
            (job("a", "k", "2040-01-01T00:00:00Z", "1"), "ten years"),
            (job("a", "k", time, "{"), "JSON"),
        ] {
            let error = check(vec![wrong], now);
            assert!(matches!(&error, Err(SchedulerError::Invalid(words)) if words.contains(says)), "{says}: {error:?}");
        }
        let many = (0..101).map(|n| job("a", &n.to_string(), time, "1")).collect();
        assert!(matches!(check(many, now), Err(SchedulerError::TooMany(_))));
    }
}
