//! `service-call`: what a call from one component to another costs.

use std::net::SocketAddr;

use anyhow::{Result, ensure};

use super::{RowName, Settings};
use crate::{
    host::Host,
    load::{self, LoadOptions},
    measure::{Round, Summary, interleave, median},
    process::Twin,
    report::{Row, figure},
};

/// How many calls a request makes.
const CALLS: u32 = 1000;

/// Seconds of load for one figure, at least: requests with many calls are long.
const SHORTEST: f64 = 0.5;

/// How many rounds there are for the figures in the notes.
const NOTED_ROUNDS: usize = 3;

/// How many more records the longer list has, of which the cost of each is told.
const MORE_RECORDS: u32 = 20;

pub(super) async fn measure(settings: &Settings) -> Result<Row> {
    let host = Host::start(settings.setup(&["case-bench-echo", "case-bench-caller"])?).await?;
    let echo = Twin::start(["echo".to_owned()]).await?;
    let caller = Twin::start(["caller".to_owned(), echo.address.to_string()]).await?;
    let per_call = async |address: SocketAddr, path: &str| per_call(settings, address, path).await;

    let one_record = interleave(
        settings.rounds,
        async || per_call(host.public, "/bench/records/1").await,
        async || per_call(caller.address, "/bench/records/1").await,
    )
    .await?;
    let longer = format!("/bench/records/{}", 1 + MORE_RECORDS);
    let mut scalars = Vec::new();
    let mut each_record = Vec::new();
    for round in one_record.iter().take(NOTED_ROUNDS) {
        let scalar = per_call(host.public, "/bench/scalar").await?;
        scalars.push(Round { value: scalar, baseline: per_call(caller.address, "/bench/scalar").await? });
        let more = |long: f64, short: f64| (long - short) / f64::from(MORE_RECORDS);
        each_record.push(Round {
            value: more(per_call(host.public, &longer).await?, round.value),
            baseline: more(per_call(caller.address, &longer).await?, round.baseline),
        });
    }
    let note = |what: &str, rounds: &[Round]| {
        let middle = |side: fn(&Round) -> f64| figure(median(rounds.iter().map(side).collect()).unwrap_or_default());
        format!("{what}: {} µs; between native services {} µs", middle(|r| r.value), middle(|r| r.baseline))
    };
    Ok(Row::new(RowName::ServiceCall, "µs", Summary::of(&one_record)?)
        .note(note("a call with a number", &scalars))
        .note(note("each further record, there and back", &each_record)))
}

/// Microseconds of one call: those of a request that makes many, less those of a request that makes none.
async fn per_call(settings: &Settings, address: SocketAddr, path: &str) -> Result<f64> {
    let request = async |calls: u32| {
        let target = format!("{path}?calls={calls}");
        let seconds = (settings.seconds / 4.0).max(SHORTEST);
        let options = LoadOptions { connections: 1, threads: 1, seconds, ..LoadOptions::get(address, target) };
        let report = load::spawn(&options).await?;
        ensure!(report.failed == 0, "{path}: {:?}", report.failures);
        ensure!(report.requests > 0, "{path}: no request was answered within {seconds} s");
        Ok(report.latency.p50)
    };
    Ok((request(CALLS).await? - request(0).await?) / f64::from(CALLS))
}
