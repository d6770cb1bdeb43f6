//! The figures of merged calls: how many callers share one call, and what they wait for it.

use std::time::Duration;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{
        counter::Counter,
        family::Family,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry as Series,
};

use super::metrics::Latency;

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Labels {
    component: String,
    function: String,
}

/// The series of all merged functions, by component and function.
#[derive(Clone, Debug)]
pub struct MergeMetrics {
    callers: Family<Labels, Counter>,
    refused: Family<Labels, Counter>,
    repeated: Family<Labels, Counter>,
    elements: Family<Labels, Histogram, fn() -> Histogram>,
    wait: Family<Labels, Latency>,
}

/// The series of one merged function, of all generations of its component.
#[derive(Clone, Debug)]
pub struct MergeSeries {
    callers: Counter,
    refused: Counter,
    repeated: Counter,
    elements: Histogram,
    wait: Latency,
}

/// Up to 8,192 elements of a call; a manifest may allow 10,000.
fn sizes() -> Histogram {
    Histogram::new(exponential_buckets(1.0, 2.0, 14))
}

impl Default for MergeMetrics {
    fn default() -> Self {
        Self {
            callers: Family::default(),
            refused: Family::default(),
            repeated: Family::default(),
            elements: Family::new_with_constructor(sizes),
            wait: Family::default(),
        }
    }
}

impl MergeMetrics {
    /// Puts the series among the host's.
    pub fn register(&self, series: &mut Series) {
        series.register("merge_callers", "Calls of a merged function that came in", self.callers.clone());
        series.register("merge_refused", "Those of them that found the queue full", self.refused.clone());
        series.register(
            "merge_repeated",
            "Those that were made alone after a merged call had trapped",
            self.repeated.clone(),
        );
        series.register("merge_elements", "Elements of each call that was made", self.elements.clone());
        series.register("merge_wait_seconds", "From a caller's coming to the call it was put into", self.wait.clone());
    }

    /// Those of a function, `package/interface#function`.
    #[must_use]
    pub fn of(&self, component: &str, function: &str) -> MergeSeries {
        let labels = Labels { component: component.to_owned(), function: function.to_owned() };
        MergeSeries {
            callers: self.callers.get_or_create_owned(&labels),
            refused: self.refused.get_or_create_owned(&labels),
            repeated: self.repeated.get_or_create_owned(&labels),
            elements: self.elements.get_or_create_owned(&labels),
            wait: self.wait.get_or_create_owned(&labels),
        }
    }
}

impl MergeSeries {
    /// A caller has come.
    pub fn came(&self) {
        self.callers.inc();
    }

    /// One found the queue full.
    pub fn refused(&self) {
        self.refused.inc();
    }

    /// A caller's own call is made again, alone.
    pub fn repeated(&self) {
        self.repeated.inc();
    }

    /// A call is made, of so many elements, for callers that have waited so long.
    pub fn made(&self, elements: usize, waited: impl IntoIterator<Item = Duration>) {
        #[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
        self.elements.observe(elements as f64);
        waited.into_iter().for_each(|wait| self.wait.observe(wait));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_by_component_and_function() {
        let metrics = MergeMetrics::default();
        let mut series = Series::with_prefix("datamp");
        metrics.register(&mut series);
        let one = metrics.of("a", "x:y/z#f");
        (0..3).for_each(|_| one.came());
        one.refused();
        one.repeated();
        one.made(5, [Duration::from_millis(1), Duration::from_millis(3)]);
        metrics.of("b", "x:y/z#f").came();
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &series).unwrap();
        let labels = "component=\"a\",function=\"x:y/z#f\"";
        for line in [
            format!("datamp_merge_callers_total{{{labels}}} 3"),
            format!("datamp_merge_refused_total{{{labels}}} 1"),
            format!("datamp_merge_repeated_total{{{labels}}} 1"),
            format!("datamp_merge_elements_sum{{{labels}}} 5.0"),
            format!("datamp_merge_elements_count{{{labels}}} 1"),
            format!("datamp_merge_wait_seconds_sum{{{labels}}} 0.004"),
            format!("datamp_merge_wait_seconds_count{{{labels}}} 2"),
            "datamp_merge_callers_total{component=\"b\",function=\"x:y/z#f\"} 1".to_owned(),
        ] {
            assert!(text.contains(&line), "{line}\n{text}");
        }
    }
}
