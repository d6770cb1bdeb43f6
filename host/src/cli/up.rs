//! `datamp up`: a host from its first start to its last request.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, Write},
    net::SocketAddr,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, bail};
use clap::Args;
use ipnet::IpNet;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::client::{ADDRESSES, Addresses, TOKEN};
use crate::{
    capabilities::{
        Platform, config, crypto,
        database::{Database, DatabaseSettings, sql::Dialect},
        deployments::ControlHandle,
        http_client::{self, AddressRange, OutboundSettings},
        limits::Rates,
        mail::{self, MailSettings},
    },
    control::{Announcement, Change, Control, Grant, Preset, api, package::Package},
    engine::{Engines, artifact::ArtifactCache, interface::InterfaceKey},
    http::{EdgeSettings, Listening, Readiness, serve, site},
    registry::Registry,
    store::Store,
    telemetry::{
        logs::{Level, LogOutput, LogSettings, Logs},
        metrics::Metrics,
    },
    work::{Dispatcher, Queue},
};

/// How long requests under way may take once the host is told to stop.
const STOP_GRACE: Duration = Duration::from_secs(30);

#[derive(Args, Debug)]
pub(crate) struct UpArguments {
    /// Where the host keeps what is its own: keys, compiled components, and the embedded database.
    #[arg(long, env = "DATAMP_DATA", default_value = "data", value_name = "DIR")]
    data: PathBuf,
    /// The database: postgres://… or sqlite://FILE. By default an embedded one in the data folder.
    #[arg(long, env = "DATAMP_DATABASE", hide_env_values = true, value_name = "URL")]
    database: Option<String>,
    /// Where requests come in.
    #[arg(long, env = "DATAMP_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// Where the control API listens. Keep it private: who has its token owns the host.
    #[arg(long, env = "DATAMP_CONTROL_LISTEN", default_value = "127.0.0.1:8081", value_name = "ADDRESS")]
    control: SocketAddr,
    /// The base of the address by which clients know this host. By default that of --listen.
    #[arg(long, env = "DATAMP_PUBLIC_URL", value_name = "URL")]
    public_url: Option<String>,
    /// A component to have active: deployed unless it already is. Can be given several times, in any order.
    #[arg(long = "component", value_name = "FILE")]
    components: Vec<PathBuf>,
    /// Grant the components given here all that they ask for.
    #[arg(long)]
    grant: bool,
    /// Give a setting of a component a value, as `datamp set` does, before the components start. Can be given several times.
    #[arg(long = "set", value_name = "COMPONENT/NAME=VALUE")]
    settings: Vec<Preset>,
    /// Deploy the components given here even if they break clients of their HTTP APIs. For development.
    #[arg(long)]
    allow_breaking: bool,
    /// An SMTP server: smtps://user:password@host, or smtp:// for one on this machine. Without it, mail goes to the local mailbox.
    #[arg(long, env = "DATAMP_SMTP", hide_env_values = true, value_name = "URL")]
    smtp: Option<String>,
    /// The sender of mail.
    #[arg(long, env = "DATAMP_MAIL_FROM", default_value = "DataMP <no-reply@localhost>", value_name = "ADDRESS")]
    mail_from: String,
    /// A proxy, or a network of them, whose X-Forwarded-For is believed. Can be given several times.
    #[arg(long = "trusted-proxy", value_name = "NETWORK")]
    trusted_proxies: Vec<IpNet>,
    /// Let components that were granted a host reach it at this private network too. For development and tests alone.
    #[arg(long = "allow-private-network", value_name = "NETWORK")]
    private_networks: Vec<AddressRange>,
    /// Log records from this level up: trace, debug, info, warn or error.
    #[arg(long, env = "DATAMP_LOG", default_value = "info", value_name = "LEVEL", value_enum)]
    log_level: Level,
    /// Write log records to this file instead of standard error.
    #[arg(long, env = "DATAMP_LOG_FILE", value_name = "FILE")]
    log_file: Option<PathBuf>,
}

pub(super) async fn up(arguments: UpArguments) -> anyhow::Result<()> {
    folder(&arguments.data)?;
    let output = arguments.log_file.clone().map_or(LogOutput::Stderr, LogOutput::File);
    let (logs, guard) = Logs::start(LogSettings { output, level: arguments.log_level, ..LogSettings::default() })?;
    logs.install(&format!("warn,datamp_host={}", arguments.log_level.as_str()))?;
    let site_socket = bind(arguments.listen, "--listen").await?;
    let control_socket = bind(arguments.control, "--control").await?;
    let public_url = match &arguments.public_url {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => format!("http://{}", site_socket.address()),
    };
    let platform = platform(&arguments, logs, public_url).await?;
    let engines = Engines::start().map_err(|error| anyhow::anyhow!("wasmtime does not start: {error:#}"))?;
    let cache = arguments.data.join("compiled");
    let cache = ArtifactCache::open(&cache).with_context(|| format!("{} can't be used", cache.display()))?;
    let (registry, metrics, readiness) = (Registry::default(), Metrics::default(), Readiness::default());
    let queue = platform.work.clone();
    let control = Control::new(engines, cache, platform, registry.clone(), metrics.clone());

    let stop = CancellationToken::new();
    let settings = EdgeSettings { trusted_proxies: arguments.trusted_proxies.clone(), ..EdgeSettings::default() };
    // Whoever follows the log may look at a page of it for as long as they like.
    let control_settings = Arc::new(EdgeSettings { stalled: None, ..settings.clone() });
    let settings = Arc::new(settings);
    let token = token(&arguments.data.join(TOKEN))?;
    let addresses = Addresses {
        public: format!("http://{}", site_socket.address()),
        control: format!("http://{}", control_socket.address()),
        pid: std::process::id(),
    };
    let (work, work_metrics) = (registry.clone(), metrics.work());
    let site = site(registry, metrics.clone(), readiness.clone());
    let site = serve(site_socket, site, settings, metrics.edge(), stop.clone(), STOP_GRACE);
    let control_router = api::router(Arc::clone(&control), metrics, token.into());
    let control_edge = Metrics::default().edge();
    let control_site = serve(control_socket, control_router, control_settings, control_edge, stop.clone(), STOP_GRACE);
    let servers = tokio::spawn(async move { tokio::join!(site, control_site) });

    for setting in &arguments.settings {
        control.preset(setting).await?;
    }
    control.restore().await?;
    let dispatcher = Dispatcher::start(queue, work, work_metrics, stop.clone());
    let announcements = bring_up(&control, &arguments).await?;
    if let Some(unknown) = arguments.settings.iter().find(|s| !control.has_setting(&s.component, &s.name)) {
        // It must not come to count with a component that is deployed some day.
        control.take_back(unknown).await?;
        bail!("--set names {}/{}, and no active component has that setting", unknown.component, unknown.name);
    }
    // Whoever finds the addresses finds it ready, and may tell it to stop; before, a signal ends it at once.
    let mut stop_signals = StopSignals::listen()?;
    readiness.started();
    let written = arguments.data.join(ADDRESSES);
    fs::write(&written, serde_json::to_vec_pretty(&addresses)?)
        .with_context(|| format!("{} can't be written", written.display()))?;
    greet(&addresses, &arguments.data, &announcements, &control).await?;

    stop_signals.next().await;
    readiness.stops();
    tracing::info!("stopping: requests under way have {} s to finish", STOP_GRACE.as_secs());
    stop.cancel();
    servers.await?;
    if tokio::time::timeout(STOP_GRACE, dispatcher.stopped()).await.is_err() {
        tracing::warn!(
            "events or jobs under way had not finished after {} s: they are done again",
            STOP_GRACE.as_secs()
        );
    }
    // The file says where a running host is; nobody else's is removed.
    if super::client::addresses(&arguments.data).is_ok_and(|there| there.pid == addresses.pid) {
        let _ = fs::remove_file(&written);
    }
    drop(guard);
    Ok(())
}

async fn platform(arguments: &UpArguments, logs: Logs, public_url: String) -> anyhow::Result<Arc<Platform>> {
    let settings = DatabaseSettings { url: arguments.database.clone(), data_dir: arguments.data.clone() };
    let database = Database::connect(&settings).await?;
    let store = match database.dialect() {
        Dialect::Sqlite => Store::open_sqlite(&arguments.data.join("host.sqlite")).await?,
        Dialect::Postgresql => database.store().clone(),
    };
    let pool = store.pool().clone();
    let setting = std::env::var("DATAMP_MASTER_KEY").ok();
    let master = Arc::new(crypto::MasterKey::load(setting.as_deref(), &arguments.data)?);
    let mail = MailSettings { smtp_url: arguments.smtp.clone(), from: Some(arguments.mail_from.clone()) };
    let outbound =
        OutboundSettings { allow_private_addresses: arguments.private_networks.clone(), ..OutboundSettings::default() };
    let work = Queue::open(database.clone(), &arguments.data)?;
    Ok(Arc::new(Platform {
        work,
        keyring: crypto::Keyring::open(pool.clone(), Arc::clone(&master)).await?,
        passwords: crypto::PasswordHasher::new(crypto::PasswordSettings::default()),
        secrets: config::Secrets::new(pool.clone(), master),
        mailer: mail::Mailer::new(&mail, pool)?,
        rates: Rates::default(),
        outbound: http_client::Outbound::new(outbound)?,
        control: ControlHandle::default(),
        logs,
        public_url,
        store,
        database,
    }))
}

/// Deploys the files that were given and are not active yet, each after those that it imports from.
async fn bring_up(control: &Arc<Control>, arguments: &UpArguments) -> anyhow::Result<Vec<Announcement>> {
    let mut waiting = Vec::new();
    for path in &arguments.components {
        let bytes = fs::read(path).with_context(|| format!("{} can't be read", path.display()))?;
        if !control.is_active(bytes.clone()).await.with_context(|| path.display().to_string())? {
            let package = Package::read(bytes).with_context(|| path.display().to_string())?;
            waiting.push((path, package));
        }
    }
    let change = Change {
        by: "datamp up".to_owned(),
        reason: "given at the start".to_owned(),
        may_break_clients: arguments.allow_breaking,
    };
    let mut announcements = Vec::new();
    while !waiting.is_empty() {
        // Up to compatible versions, as they find each other.
        let keys = |names: &[String]| names.iter().map(|name| InterfaceKey::of(name)).collect::<BTreeSet<_>>();
        let to_come: BTreeSet<_> = waiting.iter().flat_map(|(_, package)| keys(&package.exports)).collect();
        let is_ready = |package: &Package| {
            let own = keys(&package.exports);
            keys(&package.imports).iter().all(|import| !to_come.contains(import) || own.contains(import))
        };
        // In a circle nothing is first: then take any, and let admission say what is missing.
        let next = waiting.iter().position(|(_, package)| is_ready(package));
        let (path, package) = waiting.remove(next.unwrap_or_default());
        let grant = if arguments.grant { Grant::All } else { Grant::Nothing };
        match control.deploy(package.bytes, grant, change.clone()).await {
            Ok(deployed) => announcements.extend(deployed.announcements),
            Err(error) => bail!("{} can't be deployed: {error}", path.display()),
        }
    }
    Ok(announcements)
}

async fn greet(
    addresses: &Addresses,
    data: &Path,
    announcements: &[Announcement],
    control: &Control,
) -> anyhow::Result<()> {
    let status = control.status().await?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "DataMP is up.")?;
    writeln!(out, "  public   {}", addresses.public)?;
    writeln!(out, "  control  {}   (token: {})", addresses.control, data.join(TOKEN).display())?;
    for component in &status.components {
        if let Some(active) = &component.active {
            let routes = component.routes.join(" ");
            writeln!(
                out,
                "  {:<14} {} as generation {}   {routes}",
                component.component, active.version, active.number
            )?;
        }
        if let Some(broken) = &component.broken {
            writeln!(out, "  {:<14} does not start: {broken}", component.component)?;
        }
    }
    for secret in announcements {
        writeln!(
            out,
            "  {}/{}: {}   {}; shown this once",
            secret.component, secret.name, secret.value, secret.description
        )?;
    }
    out.flush()?;
    Ok(())
}

async fn bind(address: SocketAddr, option: &str) -> anyhow::Result<Listening> {
    Listening::bind(address)
        .await
        .with_context(|| format!("{address} can't be listened on; choose another with {option}"))
}

fn folder(path: &Path) -> anyhow::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| format!("the data folder {} can't be made", path.display()))
}

/// The control token: made on the first start, in a file that only its owner reads.
fn token(path: &Path) -> anyhow::Result<String> {
    if let Ok(token) = fs::read_to_string(path) {
        let token = token.trim();
        if token.len() < 32 {
            bail!("{} holds less than 32 characters: delete it and a new one is made", path.display());
        }
        return Ok(token.to_owned());
    }
    let token = hex::encode(rand::random::<[u8; 32]>());
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("{} can't be written", path.display()))?;
    writeln!(file, "{token}")?;
    Ok(token)
}

/// What a service manager and a terminal stop a program with.
struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    /// From here on they no longer end the process by themselves.
    fn listen() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// The next of them, or one that came since.
    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
