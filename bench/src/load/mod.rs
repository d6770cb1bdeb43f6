//! The load: a process of its own, so that what it costs is the same for whoever is measured.
//!
//! A closed loop: each connection has one request under way at a time, and sends the next when the response is there.

mod connections;
mod report;

use std::{
    io::Write,
    net::SocketAddr,
    sync::atomic::AtomicU64,
    thread,
    time::{Duration, SystemTime},
};

use anyhow::{Context, Result, anyhow};

pub(crate) use self::report::LoadReport;
use self::{connections::Plan, report::Tally};
use crate::http::Request;

/// What to send, where and for how long.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct LoadOptions {
    /// The server.
    pub(crate) address: SocketAddr,
    /// The path with its query.
    pub(crate) target: String,
    /// A header field, `name: value`; may come several times.
    #[arg(long = "header", value_parser = header)]
    pub(crate) headers: Vec<(String, String)>,
    /// A token for `Authorization: Bearer`; of several, each request takes any.
    #[arg(long = "bearer")]
    pub(crate) bearers: Vec<String>,
    /// The method.
    #[arg(long, default_value = "GET")]
    pub(crate) method: String,
    /// The body.
    #[arg(long, default_value = "")]
    pub(crate) body: String,
    /// Connections, each with one request under way.
    #[arg(long, default_value_t = 32)]
    pub(crate) connections: usize,
    /// Threads that the connections are spread over.
    #[arg(long, default_value_t = 2)]
    pub(crate) threads: usize,
    /// Seconds that are measured.
    #[arg(long, default_value_t = 1.0)]
    pub(crate) seconds: f64,
    /// Seconds of load before them. Failures count from the first request on.
    #[arg(long, default_value_t = 0.2)]
    pub(crate) warm_up: f64,
    /// The status that every response must have.
    #[arg(long, default_value_t = 200)]
    pub(crate) expect: u16,
    /// Seconds after which a request counts as stalled.
    #[arg(long, default_value_t = 10.0)]
    pub(crate) timeout: f64,
}

fn header(text: &str) -> Result<(String, String)> {
    let (name, value) = text.split_once(':').context("a header is `name: value`")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

impl LoadOptions {
    /// A load of `GET target` on a server, everything else by default.
    pub(crate) fn get(address: SocketAddr, target: impl Into<String>) -> Self {
        Self {
            address,
            target: target.into(),
            headers: Vec::new(),
            bearers: Vec::new(),
            method: "GET".to_owned(),
            body: String::new(),
            connections: 32,
            threads: 2,
            seconds: 1.0,
            warm_up: 0.2,
            expect: 200,
            timeout: 10.0,
        }
    }

    /// The arguments that make another process run this load.
    pub(crate) fn to_arguments(&self) -> Vec<String> {
        let mut arguments = vec!["load".to_owned(), self.address.to_string(), self.target.clone()];
        for (name, value) in &self.headers {
            arguments.push(format!("--header={name}: {value}"));
        }
        arguments.extend(self.bearers.iter().map(|token| format!("--bearer={token}")));
        arguments.extend([
            format!("--method={}", self.method),
            format!("--body={}", self.body),
            format!("--connections={}", self.connections),
            format!("--threads={}", self.threads),
            format!("--seconds={}", self.seconds),
            format!("--warm-up={}", self.warm_up),
            format!("--expect={}", self.expect),
            format!("--timeout={}", self.timeout),
        ]);
        arguments
    }

    /// The requests that are sent: one for each token, or the only one.
    pub(crate) fn requests(&self) -> Vec<Request> {
        let host = self.address.to_string();
        let request =
            |fields: &[(String, String)]| Request::new(&self.method, &host, &self.target, fields, self.body.as_bytes());
        if self.bearers.is_empty() {
            return vec![request(&self.headers)];
        }
        let with = |token: &String| {
            let mut fields = self.headers.clone();
            fields.push(("authorization".to_owned(), format!("Bearer {token}")));
            request(&fields)
        };
        self.bearers.iter().map(with).collect()
    }

    fn plan(&self) -> Result<Plan> {
        let seconds = |value: f64| Duration::try_from_secs_f64(value).context("a time is no number of seconds");
        Ok(Plan {
            address: self.address,
            requests: self.requests(),
            number: AtomicU64::new(first_number()?),
            expect: self.expect,
            warm_up: seconds(self.warm_up)?,
            measured: seconds(self.seconds)?,
            timeout: seconds(self.timeout)?,
        })
    }
}

/// Where a load begins to number its requests: nanoseconds since the epoch. None is as fast as to reach the next load's.
fn first_number() -> Result<u64> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    Ok(u64::try_from(since.as_nanos())?)
}

/// Makes the load and writes its report to standard output, as JSON.
pub(crate) fn main(options: &LoadOptions) -> Result<()> {
    let report = run(options)?;
    let mut stdout = std::io::stdout().lock();
    serde_json::to_writer(&mut stdout, &report)?;
    writeln!(stdout)?;
    Ok(())
}

/// Makes the load in a process of its own.
pub(crate) async fn spawn(options: &LoadOptions) -> Result<LoadReport> {
    let program = std::env::current_exe()?;
    let mut command = tokio::process::Command::new(program);
    let output =
        command.args(options.to_arguments()).kill_on_drop(true).output().await.context("the load can't be started")?;
    let errors = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "the load ended with {}: {errors}", output.status);
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Makes the load.
fn run(options: &LoadOptions) -> Result<LoadReport> {
    let plan = options.plan()?;
    let threads = options.threads.clamp(1, options.connections.max(1));
    let tallies = thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|index| {
                // The first threads take what does not divide evenly.
                let share = options.connections / threads + usize::from(index < options.connections % threads);
                let plan = &plan;
                scope.spawn(move || connections::run(plan, share))
            })
            .collect();
        running
            .into_iter()
            .map(|thread| thread.join().map_err(|_| anyhow!("a thread of the load panicked"))?)
            .collect::<Result<Vec<Tally>>>()
    })?;
    let mut total = Tally::new()?;
    for tally in &tallies {
        total.add(tally)?;
    }
    Ok(total.into_report(plan.measured))
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeMap,
        sync::{
            Arc,
            atomic::{AtomicU64, Ordering},
        },
    };

    use axum::{Router, http::StatusCode, routing::get};
    use clap::Parser;

    use super::*;
    use crate::test_server::{scripted, serve};

    async fn load(options: LoadOptions) -> LoadReport {
        tokio::task::spawn_blocking(move || run(&options).unwrap()).await.unwrap()
    }

    /// Four connections, and nothing that counts as a stall, however slow the machine.
    fn short(address: SocketAddr) -> LoadOptions {
        LoadOptions { connections: 4, seconds: 0.3, warm_up: 0.1, timeout: 60.0, ..LoadOptions::get(address, "/") }
    }

    /// Makes a load for longer and longer, until it was long enough for this machine to show what is looked for.
    async fn patiently(
        enough: impl Fn(&LoadReport) -> bool,
        mut load: impl AsyncFnMut(f64) -> LoadReport,
    ) -> LoadReport {
        for seconds in [0.3, 2.0, 10.0] {
            let report = load(seconds).await;
            if enough(&report) {
                return report;
            }
        }
        load(30.0).await
    }

    /// The one kind of failure of a load in which nothing else happens: how many there were.
    async fn only(failure: &str, options: LoadOptions) -> u64 {
        let enough = |report: &LoadReport| report.failed >= 4;
        let report = patiently(enough, async |seconds| load(LoadOptions { seconds, ..options.clone() }).await).await;
        assert_eq!(report.requests, 0, "{report:?}");
        assert_eq!(report.failures.keys().collect::<Vec<_>>(), [failure], "{report:?}");
        assert_eq!(report.failed, report.failures[failure]);
        report.failed
    }

    /// Counts the requests that it answers, and answers one of them with another status.
    async fn counting(counter: &Arc<AtomicU64>, odd: Option<(u64, StatusCode)>) -> SocketAddr {
        let counter = counter.clone();
        let handler = move || {
            let number = counter.fetch_add(1, Ordering::Relaxed);
            async move { odd.filter(|(odd, _)| *odd == number).map_or(StatusCode::OK, |(_, status)| status) }
        };
        serve(Router::new().route("/", get(handler))).await
    }

    #[tokio::test]
    async fn every_request_that_the_server_answered_is_counted_once() {
        for threads in [1, 3] {
            let enough = |report: &LoadReport| report.requests > 4;
            let report = patiently(enough, async |seconds| {
                let served = Arc::default();
                let address = counting(&served, None).await;
                let report = load(LoadOptions { warm_up: 0.0, seconds, threads, ..short(address) }).await;
                let served = served.load(Ordering::Relaxed);
                // A request that is under way at the end is served and not counted: one for each connection.
                assert!(report.requests <= served && served <= report.requests + 4, "{served} {report:?}");
                let rate = report.requests as f64 / seconds;
                assert!((report.per_second - rate).abs() < 1.0, "{report:?}");
                report
            })
            .await;
            assert_eq!(report.failures, BTreeMap::new());
            assert!(enough(&report), "{report:?}");
        }
    }

    #[tokio::test]
    async fn latency_is_that_of_the_server() {
        let wait = || async { tokio::time::sleep(Duration::from_millis(20)).await };
        let address = serve(Router::new().route("/", get(wait))).await;
        let enough = |report: &LoadReport| report.requests >= 4;
        let report = patiently(enough, async |seconds| {
            let report = load(LoadOptions { seconds, ..short(address) }).await;
            assert!(report.requests as f64 <= 4.0 * seconds / 0.02, "4 connections, 20 ms each: {report:?}");
            report
        })
        .await;
        // No upper bound that a busy machine would break.
        assert!(report.latency.p50 >= 20_000.0, "{report:?}");
        assert!(report.latency.p50 <= report.latency.p99 && report.latency.p99 <= report.latency.max);
        assert!(enough(&report), "{report:?}");
    }

    #[tokio::test]
    async fn another_status_is_a_failure() {
        let enough = |report: &LoadReport| report.requests > 8;
        let report = patiently(enough, async |seconds| {
            let address = counting(&Arc::default(), Some((7, StatusCode::SERVICE_UNAVAILABLE))).await;
            load(LoadOptions { warm_up: 0.0, seconds, ..short(address) }).await
        })
        .await;
        assert_eq!(report.failures, BTreeMap::from([("status 503".to_owned(), 1)]));
        assert_eq!(report.failed, 1);
        assert!(enough(&report), "{report:?}");
    }

    #[tokio::test]
    async fn a_failure_before_the_measurement_counts_as_well() {
        let enough = |report: &LoadReport| report.requests > 0;
        let report = patiently(enough, async |seconds| {
            let address = counting(&Arc::default(), Some((0, StatusCode::NOT_FOUND))).await;
            load(LoadOptions { seconds, ..short(address) }).await
        })
        .await;
        assert_eq!(report.failed, 1, "{report:?}");
    }

    #[tokio::test]
    async fn a_short_read_is_a_failure() {
        let address = scripted(&[b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhell"]).await;
        assert!(only("closed within the response", short(address)).await >= 4);
    }

    #[tokio::test]
    async fn a_closed_connection_is_a_failure() {
        assert!(only("closed before the response", short(scripted(&[]).await)).await >= 4);
    }

    #[tokio::test]
    async fn a_stall_is_a_failure() {
        let address = serve(Router::new().route("/", get(std::future::pending::<()>))).await;
        // Each of 4 connections begins a request whenever one has stalled for 0.2 s, until the load's time is over: at least one.
        assert!(only("stalled", LoadOptions { timeout: 0.2, ..short(address) }).await >= 4);
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_a_failure() {
        let address = {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            listener.local_addr().unwrap()
        };
        assert!(only("no connection: connection refused", short(address)).await >= 4);
    }

    #[tokio::test]
    async fn a_server_that_says_it_closes_is_no_failure() {
        let address = scripted(&[b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok"]).await;
        let enough = |report: &LoadReport| report.requests > 4;
        let report = patiently(enough, async |seconds| load(LoadOptions { seconds, ..short(address) }).await).await;
        assert_eq!(report.failed, 0, "{report:?}");
        assert!(enough(&report), "{report:?}");
    }

    #[test]
    fn options_survive_the_way_to_another_process() {
        #[derive(Parser)]
        struct Cli {
            #[command(flatten)]
            load: LoadOptions,
        }
        let options = LoadOptions {
            headers: vec![("authorization".to_owned(), "Bearer a:b".to_owned()), ("x".to_owned(), String::new())],
            body: "--{\"a\":1}".to_owned(),
            method: "POST".to_owned(),
            threads: 3,
            seconds: 1.25,
            ..LoadOptions::get("127.0.0.1:80".parse().unwrap(), "/a?b=c")
        };
        let parsed = Cli::try_parse_from(options.to_arguments()).unwrap().load;
        assert_eq!(format!("{parsed:?}"), format!("{options:?}"));
    }
}
