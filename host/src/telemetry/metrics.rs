//! Figures of the host and of every generation, for Prometheus and for the control plane.
//!
//! A generation resolves its series once, when it is made: counting a request is then a few atomic additions.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeMetric, MetricEncoder, NoLabelSet, text},
    metrics::{MetricType, TypedMetric, counter::Counter, family::Family},
    registry::Registry as Series,
};

use super::merging::MergeMetrics;
use crate::work::WorkMetrics;

/// The number of buckets of a [`Latency`].
const BUCKETS: usize = 36;

/// The upper bound of a bucket in microseconds: from 20 µs up, each 1.6 times the one before, so up to some 4 minutes.
fn upper_bound(bucket: usize) -> f64 {
    20.0 * 1.6_f64.powi(i32::try_from(bucket).unwrap_or(i32::MAX))
}

/// All series.
#[derive(Clone)]
pub struct Metrics {
    series: Arc<Series>,
    requests: Family<RequestLabels, Counter>,
    duration: Family<GenerationLabels, Latency>,
    edge: Arc<EdgeMetrics>,
    work: WorkMetrics,
    merging: MergeMetrics,
}

/// What the edge counts, whoever served the request.
#[derive(Debug, Default)]
pub struct EdgeMetrics {
    responses: [Counter; 5],
}

/// The series of one generation.
#[derive(Clone, Debug)]
pub struct GenerationMetrics {
    responses: [Counter; 5],
    duration: Latency,
}

/// What a generation has done since the host started.
#[derive(Clone, Copy, Debug, Default, serde::Deserialize, serde::Serialize)]
pub struct Figures {
    /// Requests answered.
    pub requests: u64,
    /// Answers of 500 and above.
    pub errors: u64,
    /// The median time to an answer, in microseconds.
    pub p50: u64,
    /// The time that 99 of 100 answers took at most, in microseconds.
    pub p99: u64,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct GenerationLabels {
    component: String,
    generation: u64,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct RequestLabels {
    component: String,
    generation: u64,
    status: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct StatusLabels {
    status: &'static str,
}

const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

fn class(status: http::StatusCode) -> usize {
    usize::from(status.as_u16() / 100).clamp(1, 5) - 1
}

impl Default for Metrics {
    fn default() -> Self {
        let mut series = Series::with_prefix("datamp");
        let (requests, duration) = (Family::default(), Family::default());
        let responses = Family::<StatusLabels, Counter>::default();
        series.register("http_responses", "Responses sent, by class of status", responses.clone());
        series.register("component_requests", "Requests answered, by component and generation", requests.clone());
        series.register("component_request_duration_seconds", "Time to an answer of a component", duration.clone());
        let work = WorkMetrics::default();
        work.register(&mut series);
        let merging = MergeMetrics::default();
        merging.register(&mut series);
        let edge =
            EdgeMetrics { responses: CLASSES.map(|status| responses.get_or_create_owned(&StatusLabels { status })) };
        Self { series: Arc::new(series), requests, duration, edge: Arc::new(edge), work, merging }
    }
}

impl Metrics {
    /// What the edge counts.
    #[must_use]
    pub fn edge(&self) -> Arc<EdgeMetrics> {
        Arc::clone(&self.edge)
    }

    /// What is counted of deferred work.
    #[must_use]
    pub fn work(&self) -> WorkMetrics {
        self.work.clone()
    }

    /// What is counted of merged calls.
    #[must_use]
    pub fn merging(&self) -> &MergeMetrics {
        &self.merging
    }

    /// The series of a generation, which begin at zero.
    #[must_use]
    pub fn generation(&self, component: &str, generation: u64) -> GenerationMetrics {
        let responses = CLASSES.map(|status| {
            self.requests.get_or_create_owned(&RequestLabels { component: component.to_owned(), generation, status })
        });
        let labels = GenerationLabels { component: component.to_owned(), generation };
        GenerationMetrics { responses, duration: self.duration.get_or_create_owned(&labels) }
    }

    /// Ends the series of a generation that has retired.
    pub fn forget(&self, component: &str, generation: u64) {
        for status in CLASSES {
            self.requests.remove(&RequestLabels { component: component.to_owned(), generation, status });
        }
        self.duration.remove(&GenerationLabels { component: component.to_owned(), generation });
    }

    /// All series in the OpenMetrics text format.
    ///
    /// # Errors
    /// When they can't be written as text, which a bug alone would cause.
    pub fn encode(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        text::encode(&mut text, &self.series)?;
        Ok(text)
    }
}

impl EdgeMetrics {
    /// Counts a response.
    pub fn count(&self, status: http::StatusCode) {
        if let Some(counter) = self.responses.get(class(status)) {
            counter.inc();
        }
    }
}

impl GenerationMetrics {
    /// Counts an answer and how long it took.
    pub fn observe(&self, status: http::StatusCode, took: Duration) {
        if let Some(counter) = self.responses.get(class(status)) {
            counter.inc();
        }
        self.duration.observe(took);
    }

    /// The figures up to now.
    #[must_use]
    pub fn figures(&self) -> Figures {
        Figures {
            requests: self.responses.iter().map(Counter::get).sum(),
            errors: self.responses.last().map_or(0, Counter::get),
            p50: self.duration.quantile(0.50),
            p99: self.duration.quantile(0.99),
        }
    }
}

/// A histogram of durations without locks, which also answers quantiles.
#[derive(Clone, Debug, Default)]
pub struct Latency(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    /// The last one is for whatever is longer than the last bound.
    buckets: [AtomicU64; BUCKETS + 1],
    sum_micros: AtomicU64,
}

impl Default for Counts {
    fn default() -> Self {
        Self { buckets: std::array::from_fn(|_| AtomicU64::new(0)), sum_micros: AtomicU64::new(0) }
    }
}

impl Latency {
    /// Counts one.
    pub fn observe(&self, took: Duration) {
        let micros = took.as_secs_f64() * 1e6;
        // The inverse of `upper_bound`.
        let bucket = ((micros / 20.0).ln() / 1.6_f64.ln()).ceil().max(0.0);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and BUCKETS")]
        let bucket = (bucket as usize).min(BUCKETS);
        if let Some(count) = self.0.buckets.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.0.sum_micros.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn counts(&self) -> [u64; BUCKETS + 1] {
        std::array::from_fn(|i| self.0.buckets.get(i).map_or(0, |count| count.load(Ordering::Relaxed)))
    }

    /// In microseconds, interpolated within its bucket; 0 while there is nothing.
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate, far below 2^52"
    )]
    fn quantile(&self, q: f64) -> u64 {
        let counts = self.counts();
        let total: u64 = counts.iter().sum();
        let rank = q * total as f64;
        let mut below = 0_u64;
        for (bucket, count) in counts.into_iter().enumerate().filter(|(_, count)| *count > 0) {
            if (below + count) as f64 >= rank {
                let lower = if bucket == 0 { 0.0 } else { upper_bound(bucket - 1) };
                let share = (rank - below as f64) / count as f64;
                return share.mul_add(upper_bound(bucket) - lower, lower) as u64;
            }
            below += count;
        }
        0
    }
}

impl TypedMetric for Latency {
    const TYPE: MetricType = MetricType::Histogram;
}

impl EncodeMetric for Latency {
    #[allow(clippy::cast_precision_loss, reason = "seconds for people")]
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), std::fmt::Error> {
        let counts = self.counts();
        let buckets: Vec<(f64, u64)> = counts
            .into_iter()
            .enumerate()
            .map(|(i, count)| (if i == BUCKETS { f64::MAX } else { upper_bound(i) / 1e6 }, count))
            .collect();
        let sum = self.0.sum_micros.load(Ordering::Relaxed) as f64 / 1e6;
        encoder.encode_histogram::<NoLabelSet>(sum, counts.iter().sum(), &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_within_a_bucket_of_the_truth() {
        let latency = Latency::default();
        assert_eq!(latency.quantile(0.5), 0);
        for micros in 1..=10_000_u64 {
            latency.observe(Duration::from_micros(micros));
        }
        for (q, truth) in [(0.5, 5_000.0), (0.99, 9_900.0)] {
            #[allow(clippy::cast_precision_loss)]
            let estimate = latency.quantile(q) as f64;
            assert!((truth / 1.6..=truth * 1.6).contains(&estimate), "{q}: {estimate}");
        }
        latency.observe(Duration::from_secs(100_000));
        latency.observe(Duration::ZERO);
    }

    #[test]
    fn a_generation_is_counted_under_its_labels_until_it_is_forgotten() {
        let metrics = Metrics::default();
        let generation = metrics.generation("a", 3);
        generation.observe(http::StatusCode::OK, Duration::from_millis(1));
        generation.observe(http::StatusCode::BAD_GATEWAY, Duration::from_millis(1));
        let figures = generation.figures();
        assert_eq!((figures.requests, figures.errors), (2, 1));
        let line = "datamp_component_requests_total{component=\"a\",generation=\"3\",status=\"5xx\"} 1";
        assert!(metrics.encode().unwrap().contains(line), "{}", metrics.encode().unwrap());
        metrics.forget("a", 3);
        assert!(!metrics.encode().unwrap().contains("component=\"a\""));
    }
}
