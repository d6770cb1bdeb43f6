//! The figures of deferred work.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::AtomicU64},
};

use parking_lot::Mutex;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry as Series,
};
use sqlx::Row as _;

use super::{Kind, Queue, settle::Tally};

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, Ord, PartialEq, PartialOrd)]
struct Labels {
    kind: &'static str,
    component: String,
}

/// What came of work on this host since it started, and what waits in the database.
#[derive(Clone, Debug, Default)]
pub struct WorkMetrics {
    done: Family<Labels, Counter>,
    retried: Family<Labels, Counter>,
    dead: Family<Labels, Counter>,
    waiting: Family<Labels, Gauge>,
    letters: Family<Labels, Gauge>,
    lag: Family<Labels, Gauge<f64, AtomicU64>>,
    /// What the gauges were set for.
    seen: Arc<Mutex<BTreeSet<Labels>>>,
}

impl WorkMetrics {
    /// Puts the series among the host's.
    pub fn register(&self, series: &mut Series) {
        series.register("work_done", "Events delivered and runs done, by component", self.done.clone());
        series.register("work_retried", "Attempts that will be followed by another", self.retried.clone());
        series.register("work_dead", "Events and runs that became dead letters", self.dead.clone());
        series.register("work_waiting", "Events and runs that wait in the database", self.waiting.clone());
        series.register("work_dead_letters", "Dead letters in the database", self.letters.clone());
        series.register("work_lag_seconds", "How long the oldest that is due has been waiting", self.lag.clone());
    }

    pub(super) fn count(&self, kind: Kind, component: &str, tally: &Tally) {
        let labels = Labels { kind: kind.as_str(), component: component.to_owned() };
        self.done.get_or_create(&labels).inc_by(tally.done);
        self.retried.get_or_create(&labels).inc_by(tally.retried);
        self.dead.get_or_create(&labels).inc_by(tally.dead);
    }

    /// Counts what is in the database.
    pub(super) async fn measure(&self, queue: &Queue) -> Result<(), sqlx::Error> {
        let sql = queue.sql(
            "SELECT kind, component, SUM(CASE WHEN dead_at IS NULL THEN 1 ELSE 0 END), \
                SUM(CASE WHEN dead_at IS NULL THEN 0 ELSE 1 END), {now} - MIN(CASE WHEN dead_at IS NULL THEN due_at END) \
             FROM host_work GROUP BY kind, component",
        );
        let rows = sqlx::query(sql).fetch_all(queue.database().store().pool()).await?;
        let mut seen = BTreeSet::new();
        for row in rows {
            let kind: String = row.try_get(0)?;
            let kind = if kind == Kind::Event.as_str() { Kind::Event } else { Kind::Job };
            let labels = Labels { kind: kind.as_str(), component: row.try_get(1)? };
            self.waiting.get_or_create(&labels).set(row.try_get(2)?);
            self.letters.get_or_create(&labels).set(row.try_get(3)?);
            let lag: i64 = row.try_get::<Option<i64>, _>(4)?.unwrap_or(0).max(0);
            #[allow(clippy::cast_precision_loss, reason = "seconds for people")]
            self.lag.get_or_create(&labels).set(lag as f64 / 1e6);
            seen.insert(labels);
        }
        let mut before = self.seen.lock();
        for labels in before.difference(&seen) {
            self.waiting.get_or_create(labels).set(0);
            self.letters.get_or_create(labels).set(0);
            self.lag.get_or_create(labels).set(0.0);
        }
        *before = seen;
        Ok(())
    }
}
