//! What a load counts, and what it tells.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Result;
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::http::Failure;

/// The longest latency that is told apart from longer ones, in nanoseconds: a minute.
const LONGEST: u64 = 60_000_000_000;

/// What came of a load.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct LoadReport {
    /// Requests answered as expected, within the measured time.
    pub(crate) requests: u64,
    /// Requests that were not, at any time.
    pub(crate) failed: u64,
    /// The same by kind.
    pub(crate) failures: BTreeMap<String, u64>,
    /// Requests answered, each second.
    pub(crate) per_second: f64,
    /// From the first byte sent to the last byte read, in microseconds.
    pub(crate) latency: Latency,
}

/// Quantiles, in microseconds.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct Latency {
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    pub(crate) max: f64,
}

/// The counts of one thread of a load.
pub(super) struct Tally {
    latencies: Histogram<u64>,
    failures: BTreeMap<Failure, u64>,
}

impl Tally {
    pub(super) fn new() -> Result<Self> {
        Ok(Self { latencies: Histogram::new_with_bounds(1, LONGEST, 3)?, failures: BTreeMap::new() })
    }

    /// Counts a request that was answered as expected.
    pub(super) fn answered(&mut self, latency: Duration) {
        self.latencies.saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(LONGEST));
    }

    /// Counts one that was not.
    pub(super) fn failed(&mut self, failure: Failure) {
        *self.failures.entry(failure).or_default() += 1;
    }

    pub(super) fn add(&mut self, other: &Self) -> Result<()> {
        self.latencies.add(&other.latencies)?;
        for (failure, count) in &other.failures {
            *self.failures.entry(failure.clone()).or_default() += count;
        }
        Ok(())
    }

    pub(super) fn into_report(self, measured: Duration) -> LoadReport {
        let micros = |nanos: u64| nanos as f64 / 1e3;
        let quantile = |q| micros(self.latencies.value_at_quantile(q));
        LoadReport {
            requests: self.latencies.len(),
            failed: self.failures.values().sum(),
            failures: self.failures.iter().map(|(failure, count)| (failure.to_string(), *count)).collect(),
            per_second: self.latencies.len() as f64 / measured.as_secs_f64(),
            latency: Latency {
                p50: quantile(0.5),
                p90: quantile(0.9),
                p99: quantile(0.99),
                p999: quantile(0.999),
                max: micros(self.latencies.max()),
            },
        }
    }
}
