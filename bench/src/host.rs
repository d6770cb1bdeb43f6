//! The real host, as a process of its own with a data folder of its own.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use serde::de::DeserializeOwned;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::{
    http::{self, Request},
    process::{terminate, until_ready},
};

/// What a host is started with.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    /// The program.
    pub(crate) program: PathBuf,
    /// The components to have active.
    pub(crate) components: Vec<PathBuf>,
    /// The database; an SQLite file in the data folder where this is `None`.
    pub(crate) database: Option<String>,
    /// Settings of the components, `COMPONENT/NAME=VALUE`.
    pub(crate) settings: Vec<String>,
}

impl Setup {
    /// The same on another database.
    pub(crate) fn on(self, database: &str) -> Self {
        Self { database: Some(database.to_owned()), ..self }
    }
}

/// A host that runs. It ends when this is dropped.
pub(crate) struct Host {
    /// Where requests come in.
    pub(crate) public: SocketAddr,
    /// From the start of the process until it was ready.
    pub(crate) started_in: Duration,
    control: SocketAddr,
    token: String,
    setup: Setup,
    child: Child,
    data: TempDir,
}

impl Host {
    /// Starts a host with an empty data folder, and waits until it is ready.
    pub(crate) async fn start(setup: Setup) -> Result<Self> {
        Self::start_on(setup, tempfile::Builder::new().prefix("datamp-bench-").tempdir()?).await
    }

    /// Stops it, and starts it anew on the same data. Nothing is given to it: what was active comes back.
    pub(crate) async fn restart(self) -> Result<Self> {
        terminate(self.child).await?;
        Self::start_on(Setup { components: Vec::new(), ..self.setup }, self.data).await
    }

    async fn start_on(setup: Setup, data: TempDir) -> Result<Self> {
        let (public, control) = (free_port()?, free_port()?);
        let log = || fs::File::options().create(true).append(true).open(data.path().join("log"));
        let mut command = Command::new(&setup.program);
        // Settings of whoever runs the benchmarks are not the benchmarks'.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("DATAMP_")) {
            command.env_remove(name);
        }
        command.args(["up", "--grant", "--listen", &public.to_string(), "--control", &control.to_string(), "--data"]);
        command.arg(data.path());
        for file in &setup.components {
            ensure!(file.is_file(), "{} is not there: cargo xtask builds it", file.display());
            command.arg("--component").arg(file);
        }
        for setting in &setup.settings {
            command.args(["--set", setting]);
        }
        match &setup.database {
            Some(url) => command.args(["--database", url]),
            None => command.arg("--database").arg(format!("sqlite:{}", sqlite_file(&data).display())),
        };
        let begun = Instant::now();
        let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log()?).kill_on_drop(true);
        let mut child = command.spawn().with_context(|| setup.program.display().to_string())?;
        let started_in = match until_ready(public, "/readyz", begun, &mut child).await {
            Ok(took) => took,
            Err(error) => {
                let log = fs::read_to_string(data.path().join("log")).unwrap_or_default();
                bail!("{error:#}; its last words: {}", log.lines().last().unwrap_or_default());
            }
        };
        let token = fs::read_to_string(data.path().join("control.token"))?.trim().to_owned();
        Ok(Self { public, started_in, control, token, setup, child, data })
    }

    /// The file of its embedded database.
    pub(crate) fn sqlite_file(&self) -> PathBuf {
        sqlite_file(&self.data)
    }

    /// Deploys a component, granted all that it asks for, and makes it active.
    pub(crate) async fn deploy(&self, component: &[u8]) -> Result<()> {
        let authorisation = [("authorization".to_owned(), format!("Bearer {}", self.token))];
        let target = "/v1/deployments?by=bench&grant=all";
        let host = self.control.to_string();
        let request = Request::new("POST", &host, target, &authorisation, component);
        let (status, body) = http::send(self.control, &request).await?;
        ensure!(status == 201, "the deployment was answered {status}: {}", String::from_utf8_lossy(&body));
        Ok(())
    }
}

/// POSTs to a server, and answers the JSON that it answers.
pub(crate) async fn post<T: DeserializeOwned>(address: SocketAddr, target: &str) -> Result<T> {
    let request = Request::new("POST", &address.to_string(), target, &[], b"");
    let (status, body) = http::send(address, &request).await?;
    ensure!(status == 200, "POST {target} was answered {status}: {}", String::from_utf8_lossy(&body));
    Ok(serde_json::from_slice(&body)?)
}

fn sqlite_file(data: &TempDir) -> PathBuf {
    data.path().join("database.sqlite")
}

/// A port that was free a moment ago. The host is told a number, so that it can be asked while it still starts.
fn free_port() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

/// The file of a built component, by the name of its crate.
pub(crate) fn component(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{}.wasm", name.replace('-', "_")))
}
