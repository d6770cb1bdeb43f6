//! Servers in processes of their own.

use std::{
    ffi::OsStr,
    net::SocketAddr,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::{sleep, timeout},
};

use crate::http::{Connection, Failure, Request};

/// What a twin writes before its address, on the first line of its standard output.
pub(crate) const LISTENING: &str = "listening on ";

/// How long a server may take until it answers, and how long until it has gone.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often a server that is starting is asked whether it is ready. It bounds what a start's measured time is off by.
const POLL: Duration = Duration::from_millis(1);

/// A native twin that is running. It ends when this is dropped.
pub(crate) struct Twin {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    child: Child,
}

impl Twin {
    /// Starts this program anew as the twin that `arguments` name, and waits until it listens.
    pub(crate) async fn start<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("twin").args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().context("the twin can't be started")?;
        let stdout = child.stdout.take().context("the twin has no output")?;
        let mut line = String::new();
        timeout(PATIENCE, BufReader::new(stdout).read_line(&mut line)).await.context("the twin says nothing")??;
        let address = line.trim().strip_prefix(LISTENING).with_context(|| format!("the twin says {line:?}"))?;
        Ok(Self { address: address.parse()?, child })
    }

    /// Starts a twin, and tells how long it took until it had answered `target`.
    pub(crate) async fn start_and_ask<S: AsRef<OsStr>>(
        arguments: impl IntoIterator<Item = S>,
        target: &str,
    ) -> Result<Duration> {
        let begun = Instant::now();
        let mut twin = Self::start(arguments).await?;
        until_ready(twin.address, target, begun, &mut twin.child).await
    }
}

/// Ends a process as an operator would, by SIGTERM, and waits until it has.
pub(crate) async fn terminate(mut child: Child) -> Result<()> {
    let Some(id) = child.id() else { return Ok(()) };
    let sent = Command::new("kill").args(["-TERM", &id.to_string()]).status().await.context("kill")?;
    anyhow::ensure!(sent.success(), "the process {id} can't be ended");
    if timeout(PATIENCE, child.wait()).await.is_err() {
        bail!("the process {id} does not end");
    }
    Ok(())
}

/// Asks a server for `target` until it answers 200, and tells how long that took since `begun`.
pub(crate) async fn until_ready(
    address: SocketAddr,
    target: &str,
    begun: Instant,
    child: &mut Child,
) -> Result<Duration> {
    let request = Request::new("GET", &address.to_string(), target, &[], b"");
    loop {
        let answer = timeout(PATIENCE, async {
            let mut connection = Connection::open(address).await?;
            connection.exchange(&request).await.map(|response| response.status)
        });
        match answer.await {
            Ok(Ok(200)) => return Ok(begun.elapsed()),
            Ok(Ok(503) | Err(Failure::Connect(_) | Failure::Closed | Failure::Broken(_))) => {}
            Ok(Ok(status)) => bail!("the server answers {target} with {status}"),
            Ok(Err(failure)) => bail!("the server answers {target} with nothing: {failure}"),
            Err(_) => bail!("the server does not answer {target}"),
        }
        if let Some(status) = child.try_wait()? {
            bail!("the server has ended: {status}");
        }
        if begun.elapsed() > PATIENCE {
            bail!("the server does not become ready");
        }
        sleep(POLL).await;
    }
}
