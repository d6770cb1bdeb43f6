//! Rows that compare requests/s.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};

use super::{RowName, Settings};
use crate::{
    http,
    load::{LoadOptions, LoadReport},
    measure::{Summary, interleave, median},
    report::Row,
};

/// Compares the requests/s of the same request to the platform and to its twin.
pub(super) async fn compare(
    row: RowName,
    settings: &Settings,
    platform: &LoadOptions,
    twin: &LoadOptions,
) -> Result<Row> {
    same_answer(platform, twin).await?;
    let (mut platform_loads, mut twin_loads) = (Loads::default(), Loads::default());
    let rounds = interleave(
        settings.rounds,
        async || Ok(platform_loads.keep(settings.load(platform).await?).per_second),
        async || Ok(twin_loads.keep(settings.load(twin).await?).per_second),
    )
    .await?;
    let row = Row::new(row, "requests/s", Summary::of(&rounds)?).note(format!(
        "latency: {}; the twin's: {}",
        platform_loads.latency(),
        twin_loads.latency()
    ));
    Ok(twin_loads.report_failures("the twin's ", platform_loads.report_failures("", row)))
}

/// A comparison of different answers would be none.
async fn same_answer(platform: &LoadOptions, twin: &LoadOptions) -> Result<()> {
    let ask = async |load: &LoadOptions| {
        let mut request = load.requests().into_iter().next().context("the load has no request")?;
        request.set_number(1);
        anyhow::Ok(http::send(load.address, &request).await?)
    };
    let (ours, theirs) = (ask(platform).await?, ask(twin).await?);
    let text = |answer: &(u16, Vec<u8>)| format!("{} {}", answer.0, String::from_utf8_lossy(&answer.1));
    ensure!(ours == theirs && ours.0 == 200, "the platform answers {}, its twin {}", text(&ours), text(&theirs));
    Ok(())
}

/// What the loads of one side found.
#[derive(Default)]
pub(super) struct Loads {
    failures: BTreeMap<String, u64>,
    p50: Vec<f64>,
    p99: Vec<f64>,
}

impl Loads {
    /// Keeps what matters of a load, and answers it.
    pub(super) fn keep(&mut self, load: LoadReport) -> LoadReport {
        for (failure, count) in &load.failures {
            *self.failures.entry(failure.clone()).or_default() += count;
        }
        self.p50.push(load.latency.p50);
        self.p99.push(load.latency.p99);
        load
    }

    /// The medians of the quantiles, for people.
    fn latency(&self) -> String {
        let of = |numbers: &[f64]| median(numbers.to_vec()).unwrap_or_default();
        format!("p50 {:.0} µs, p99 {:.0} µs", of(&self.p50), of(&self.p99))
    }

    /// Adds the failures to a row. `whose` is empty, or ends in a space.
    pub(super) fn report_failures(&self, whose: &str, mut row: Row) -> Row {
        let failed = row.failed.unwrap_or_default() + self.failures.values().sum::<u64>();
        for (failure, count) in &self.failures {
            row = row.note(format!("{whose}failed requests: {count} × {failure}"));
        }
        row.failed(failed)
    }
}
