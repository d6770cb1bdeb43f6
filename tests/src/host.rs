//! The real host, as a process of its own with a data folder of its own.

use std::{
    env,
    fs::{self, File},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    case::Database,
    component::repository,
    control::Control,
    http::{Answer, Outgoing, PATIENCE},
    storage::Storage,
};

/// How long the host may take until it is ready: it compiles what is not in its cache.
const START: Duration = Duration::from_secs(240);

/// How long it may take to stop: requests under way are finished.
const STOP: Duration = Duration::from_secs(120);

/// The program.
#[must_use]
pub fn program() -> PathBuf {
    env::var_os("DATAMP_HOST_BIN").map_or_else(|| repository().join("target/release/datamp"), PathBuf::from)
}

/// What a host is started with.
#[derive(Clone)]
pub struct Settings {
    components: Vec<PathBuf>,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    storage: Arc<Storage>,
}

impl Settings {
    /// A host without components, on a new database of the kind.
    #[must_use]
    pub fn new(database: Database) -> Self {
        Self {
            components: Vec::new(),
            arguments: Vec::new(),
            environment: Vec::new(),
            storage: Arc::new(Storage::new(database)),
        }
    }

    /// With a component from the start, granted all that it asks for.
    #[must_use]
    pub fn component(mut self, file: PathBuf) -> Self {
        self.components.push(file);
        self
    }

    /// With one more argument for `datamp up`.
    #[must_use]
    pub fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// With a variable in its environment.
    #[must_use]
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts it, and waits until it is ready.
    pub async fn start(self) -> Host {
        let data = tempfile::Builder::new().prefix("datamp-test-").tempdir().unwrap();
        let process = spawn(&self, data.path());
        Host::ready(self, data, process).await
    }
}

/// A host that runs.
pub struct Host {
    /// Where it listens for requests.
    pub public: SocketAddr,
    /// Its control API.
    pub control: Control,
    settings: Settings,
    process: Child,
    data: Option<TempDir>,
}

impl Host {
    async fn ready(settings: Settings, data: TempDir, process: Child) -> Self {
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut host = Self {
            public: nowhere,
            control: Control { address: nowhere, token: String::new() },
            settings,
            process,
            data: Some(data),
        };
        let began = Instant::now();
        // The host writes this file last, and anew on each start.
        let file = host.data().join("addresses.json");
        let addresses = loop {
            if let Some(addresses) = fs::read(&file).ok().and_then(|text| serde_json::from_slice::<Value>(&text).ok())
                && addresses["pid"] == host.process.id()
            {
                break addresses;
            }
            if let Some(status) = host.process.try_wait().unwrap() {
                panic!("the host ended with {status}");
            }
            assert!(began.elapsed() < START, "the host is not ready after {START:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        let address = |name: &str| addresses[name].as_str().unwrap().strip_prefix("http://").unwrap().parse().unwrap();
        host.public = address("public");
        let token = fs::read_to_string(host.data().join("control.token")).unwrap();
        host.control = Control { address: address("control"), token: token.trim().to_owned() };
        host.get("/readyz").await.expect(200);
        host
    }

    /// Its data folder.
    #[must_use]
    pub fn data(&self) -> &Path {
        self.data.as_ref().unwrap().path()
    }

    /// The database behind it.
    #[must_use]
    pub fn storage(&self) -> &Storage {
        &self.settings.storage
    }

    /// Sends a request on a connection of its own.
    pub async fn send(&self, request: Outgoing) -> Answer {
        let shown = format!("{request:?}");
        request.send(self.public, PATIENCE).await.unwrap_or_else(|error| panic!("{shown}: {error:#}"))
    }

    /// Sends a GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Outgoing::get(path)).await
    }

    /// Sends a POST of JSON.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Outgoing::post(path, body)).await
    }

    /// What it has written to its standard output.
    #[must_use]
    pub fn output(&self) -> String {
        fs::read_to_string(self.data().join("output")).unwrap()
    }

    /// What it has written to its log.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.data().join("log")).unwrap()
    }

    /// Runs one of the other commands against it, and answers whether it succeeded and what it wrote.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Ran {
        command(Command::new(program()).args(arguments).env("DATAMP_DATA", self.data()))
    }

    /// Changes its database past it, as the database's owner.
    pub async fn execute(&self, statement: &str) {
        let changed = self.storage().change(self.data(), statement, &[]).await;
        assert!(changed > 0, "nothing was changed: {statement}");
    }

    /// The one text that a statement answers, of the database itself.
    pub async fn text(&self, statement: &str) -> String {
        self.storage().text(self.data(), statement).await
    }

    /// Fails the test unless it is still the same process and ready.
    pub async fn assert_well(&mut self) {
        if let Some(status) = self.process.try_wait().unwrap() {
            panic!("the host ended with {status}");
        }
        self.get("/readyz").await.expect(200);
    }

    /// Asks it to stop, as an operator does, and waits until it has.
    pub async fn stop(mut self) -> Stopped {
        self.terminate();
        let began = Instant::now();
        while self.process.try_wait().unwrap().is_none() {
            assert!(began.elapsed() < STOP, "the host has not stopped after {STOP:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let status = self.process.wait().unwrap();
        assert!(status.success(), "the host ended with {status}");
        self.stopped()
    }

    /// Tells it to stop, and does not wait.
    pub fn terminate(&self) {
        let told = Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status().unwrap();
        assert!(told.success());
    }

    /// Ends it at once, as a power cut does.
    pub fn kill(mut self) -> Stopped {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.stopped()
    }

    fn stopped(mut self) -> Stopped {
        Stopped { settings: self.settings.clone(), data: self.data.take().unwrap() }
    }
}

/// A host that has ended; its data is still there.
pub struct Stopped {
    settings: Settings,
    data: TempDir,
}

impl Stopped {
    /// Starts it again on the same data.
    pub async fn start(self) -> Host {
        let process = spawn(&self.settings, self.data.path());
        Host::ready(self.settings, self.data, process).await
    }

    /// Starts it again without the components that it was started with at first: those that were active come back.
    pub async fn start_without_components(mut self) -> Host {
        self.settings.components.clear();
        self.start().await
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let Some(data) = &self.data else { return };
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            let log = fs::read_to_string(data.path().join("log")).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            eprintln!("the host's log, its last lines:\n{}", lines[lines.len().saturating_sub(60)..].join("\n"));
        }
    }
}

fn spawn(settings: &Settings, data: &Path) -> Child {
    let append = |name: &str| File::options().create(true).append(true).open(data.join(name)).unwrap();
    let mut command = Command::new(program());
    command.args(["up", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--grant", "--data"]).arg(data);
    if let Some(url) = settings.storage.url() {
        command.args(["--database", url]);
    }
    for file in &settings.components {
        command.arg("--component").arg(file);
    }
    command.args(&settings.arguments);
    // Settings of whoever runs the tests are not the tests'.
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("DATAMP_")) {
        command.env_remove(name);
    }
    command.envs(settings.environment.iter().map(|(name, value)| (name, value)));
    let command = command.stdin(Stdio::null()).stdout(append("output")).stderr(append("log"));
    command.spawn().unwrap_or_else(|error| panic!("{} can't be started: {error}", program().display()))
}

/// What came of a command.
#[derive(Debug)]
pub struct Ran {
    /// Whether it ended with 0.
    pub succeeded: bool,
    /// Its standard output.
    pub output: String,
    /// Its standard error.
    pub errors: String,
}

/// Runs a command to its end.
#[must_use]
pub fn command(command: &mut Command) -> Ran {
    let output = command.stdin(Stdio::null()).output().unwrap();
    Ran {
        succeeded: output.status.success(),
        output: String::from_utf8_lossy(&output.stdout).into_owned(),
        errors: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
