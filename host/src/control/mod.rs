//! The control plane: what is deployed, what is active, and how one becomes the other.
//!
//! Deploying has two halves. *Admission* reads, compiles, links and compares, and changes nothing. Only a file that passes
//! all of it is kept, has its migrations applied, is started once as a probe, and becomes active by one swap of a pointer.

pub mod api;
mod assembly;
mod error;
pub mod package;
mod records;
mod status;

pub use error::ControlError;
pub use records::{GenerationRecord, Records, State};
pub use status::{ComponentStatus, HostStatus, Inspection};

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex as SyncMutex;
use tokio::sync::Mutex;

use self::{
    assembly::{Assembly, Linked},
    package::Package,
    records::NewGeneration,
};
use crate::{
    capabilities::Platform,
    engine::{CallContext, Engines, artifact::ArtifactCache},
    registry::{Candidate, Generation, Registry, Table},
    telemetry::metrics::Metrics,
};

/// What a generation may take beyond its own deadline until it has drained.
const DRAIN_GRACE: Duration = Duration::from_secs(5);
/// How long starting one instance may take as a probe.
const PROBE: Duration = Duration::from_secs(30);

/// The control plane of one host.
pub struct Control {
    assembly: Assembly,
    records: Records,
    registry: Registry,
    metrics: Metrics,
    /// One change at a time.
    changing: Mutex<()>,
    /// Components that are active by the records and could not be started here, with why.
    broken: SyncMutex<BTreeMap<String, String>>,
    started: Instant,
}

/// Whoever asks for a change, and why.
#[derive(Clone, Debug)]
pub struct Change {
    /// A name for the history.
    pub by: String,
    /// A reason for the history.
    pub reason: String,
}

/// What is granted along with a deployment.
#[derive(Clone, Debug)]
pub enum Grant {
    /// Nothing beyond what was granted before.
    Nothing,
    /// All that the file asks for.
    All,
    /// These.
    These(Vec<String>),
}

/// What a deployment came to.
#[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
pub struct Deployed {
    /// The generation, as it is now.
    pub generation: GenerationRecord,
    /// Secrets that were generated for it and are shown this once.
    pub announcements: Vec<Announcement>,
    /// How long it took from the first byte read to being active, in milliseconds.
    pub took_ms: u64,
}

/// A secret that the host generated and shows this once.
#[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
pub struct Announcement {
    /// The component whose secret it is.
    pub component: String,
    /// The secret's name in its manifest.
    pub name: String,
    /// What it is, by its manifest.
    pub description: String,
    /// The secret.
    pub value: String,
}

impl Control {
    /// A control plane over an empty registry.
    #[must_use]
    pub fn new(
        engines: Engines,
        cache: ArtifactCache,
        platform: Arc<Platform>,
        registry: Registry,
        metrics: Metrics,
    ) -> Arc<Self> {
        let records = Records::new(platform.store.clone());
        let control = Arc::new(Self {
            assembly: Assembly::new(engines, cache, Arc::clone(&platform), registry.clone(), metrics.clone()),
            records,
            registry,
            metrics,
            changing: Mutex::default(),
            broken: SyncMutex::default(),
            started: Instant::now(),
        });
        platform.control.set(&control);
        control
    }

    /// Starts what was active when the host last ran. A component that does not start leaves the others running.
    ///
    /// # Errors
    /// When the records can't be read.
    pub async fn restore(&self) -> Result<(), ControlError> {
        let _changing = self.changing.lock().await;
        self.records.retire_draining().await?;
        let mut active = BTreeMap::new();
        for record in self.records.active().await? {
            match self.restart(&record).await {
                Ok(generation) => {
                    active.insert(Arc::clone(generation.name()), generation);
                }
                Err(error) => {
                    tracing::error!("{} {} does not start: {error}", record.component, record.number);
                    self.broken.lock().insert(record.component, error.to_string());
                }
            }
        }
        self.registry.replace(Table::of(active));
        Ok(())
    }

    /// Deploys a file: admits it, keeps it, and makes it active.
    ///
    /// # Errors
    /// Why it was not activated. The active generation then serves on as before.
    pub async fn deploy(&self, bytes: Vec<u8>, grant: Grant, change: &Change) -> Result<Deployed, ControlError> {
        let started = Instant::now();
        let package = read(bytes).await?;
        let _changing = self.changing.lock().await;
        let (linked, asks) = match self.admit(&package, &grant).await {
            Ok(admitted) => admitted,
            Err(error) => {
                self.remember(&package, &error, change).await;
                return Err(error);
            }
        };
        let (generation, announcements) = self.introduce(&package, linked, &asks, change).await?;
        self.put_in_place(&generation, change).await?;
        let record = self.record(generation.name(), generation.number()).await?;
        let took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(
            "{} {} is active as generation {} after {took_ms} ms",
            record.component, record.version, record.number
        );
        Ok(Deployed { generation: record, announcements, took_ms })
    }

    /// Whether a file is what is active already.
    ///
    /// # Errors
    /// When the file is no package.
    pub async fn is_active(&self, bytes: Vec<u8>) -> Result<bool, ControlError> {
        let package = read(bytes).await?;
        let hash = package.hash.to_hex();
        let active = self.records.active().await?;
        let running = self.registry.table().active().contains_key(package.manifest.name.as_str());
        Ok(running && active.iter().any(|g| g.component == package.manifest.name.as_str() && g.sha256 == hash))
    }

    /// Makes another generation of a component the active one.
    ///
    /// # Errors
    /// When there is no such generation, or it does not fit any more.
    pub async fn activate(
        &self,
        component: &str,
        number: u64,
        change: &Change,
    ) -> Result<GenerationRecord, ControlError> {
        let _changing = self.changing.lock().await;
        let record = self.record(component, number).await?;
        self.bring_back(&record, change).await
    }

    /// Makes the generation that was active before the active one.
    ///
    /// # Errors
    /// When there is none, or it does not fit any more.
    pub async fn rollback(&self, component: &str, change: &Change) -> Result<GenerationRecord, ControlError> {
        let _changing = self.changing.lock().await;
        let history = self.history(component).await?;
        let active = history.iter().find(|g| g.state == State::Active);
        let below = active.map_or(u64::MAX >> 1, |g| g.number);
        let previous = self.records.previous(component, below).await?.ok_or_else(|| {
            ControlError::Refused(format!("{component} has no earlier generation that was active: there is nothing to go back to"))
        })?;
        self.bring_back(&previous, change).await
    }

    /// A component's generations, the newest first.
    ///
    /// # Errors
    /// When there is no such component.
    pub async fn history(&self, component: &str) -> Result<Vec<GenerationRecord>, ControlError> {
        let history = self.records.history(component).await?;
        if history.is_empty() { Err(ControlError::UnknownComponent(component.to_owned())) } else { Ok(history) }
    }

    /// Gives a setting of a component another value, from its next generation or activation on.
    ///
    /// # Errors
    /// When the active generation's manifest has no such setting.
    pub async fn set_setting(&self, component: &str, name: &str, value: &str) -> Result<(), ControlError> {
        let table = self.registry.table();
        let active = table.active().get(component).ok_or_else(|| ControlError::UnknownComponent(component.to_owned()))?;
        if !active.manifest().config.contains_key(name) {
            return Err(ControlError::Refused(format!("{component}'s manifest names no setting {name:?}")));
        }
        self.records.set_setting(component, name, value).await
    }

    /// The services behind the capabilities.
    #[must_use]
    pub fn platform(&self) -> &Arc<Platform> {
        &self.assembly.platform
    }

    /// Everything that can be refused without changing anything.
    async fn admit(&self, package: &Package, grant: &Grant) -> Result<(Linked, Vec<String>), ControlError> {
        let asks = self.granted(package, grant).await?;
        let linked = self.assembly.link(package).await?;
        self.fits(package, &linked)?;
        if let Some(set) = &package.migrations {
            self.platform().database.check(set).await?;
        }
        Ok((linked, asks))
    }

    /// The asks that are granted by this deployment, if together with earlier grants nothing is missing.
    async fn granted(&self, package: &Package, grant: &Grant) -> Result<Vec<String>, ControlError> {
        let component = package.manifest.name.as_str();
        let asks = package.manifest.asks();
        let earlier = self.records.grants(component).await?;
        let (granted, missing): (Vec<_>, Vec<_>) =
            asks.into_iter().filter(|ask| !earlier.contains(ask)).partition(|ask| match grant {
                Grant::Nothing => false,
                Grant::All => true,
                Grant::These(these) => these.contains(ask),
            });
        if missing.is_empty() {
            Ok(granted)
        } else {
            Err(ControlError::NotGranted { component: component.to_owned(), asks: missing })
        }
    }

    fn fits(&self, package: &Package, linked: &Linked) -> Result<(), ControlError> {
        let manifest = &package.manifest;
        let candidate = Candidate {
            name: manifest.name.as_str(),
            routes: &manifest.routes,
            exports: &linked.exports,
            links: &linked.links,
        };
        self.registry.table().check(&candidate).map_err(|conflict| ControlError::Conflict {
            component: manifest.name.to_string(),
            version: manifest.version.to_string(),
            conflict,
        })
    }

    /// Keeps an admitted file, gives it what it was granted, and starts it once.
    async fn introduce(
        &self,
        package: &Package,
        linked: Linked,
        asks: &[String],
        change: &Change,
    ) -> Result<(Arc<Generation>, Vec<Announcement>), ControlError> {
        let manifest = &package.manifest;
        let name = manifest.name.as_str();
        let sha256 = package.hash.to_hex();
        self.records.keep_artifact(&sha256, &package.bytes).await?;
        let new = new_record(package, &sha256, State::Admitted, None, change);
        let number = self.records.insert(&new).await?;
        let made = async {
            self.records.grant(name, asks, &change.by).await?;
            if let Some(set) = &package.migrations {
                self.platform().database.migrate(set).await?;
            }
            let secrets = &self.platform().secrets;
            let generated = secrets
                .ensure_generated(name, manifest)
                .await
                .map_err(|e| ControlError::Internal(e.to_string()))?;
            let announcements = generated.into_iter().map(|secret| Announcement {
                component: name.to_owned(),
                name: secret.name,
                description: secret.description,
                value: secret.value.to_string(),
            });
            let generation = self.assembly.assemble(package, linked, number, &self.records).await?;
            probe(&generation).await?;
            Ok((generation, announcements.collect()))
        };
        let made: Result<_, ControlError> = made.await;
        if let Err(error) = &made {
            self.records.set_state(name, number, State::Failed, Some(&error.to_string())).await?;
        }
        made
    }

    /// The swap. From here on new requests go to the generation; those under way finish where they are.
    async fn put_in_place(&self, generation: &Arc<Generation>, change: &Change) -> Result<(), ControlError> {
        let name = generation.name();
        let table = self.registry.table();
        let old = table.active().get(name).cloned();
        // The records first: should the host end in between, it comes back with what was asked for.
        self.records.activate(name, generation.number(), &change.by, &change.reason).await?;
        self.registry.replace(table.with(Arc::clone(generation)));
        self.broken.lock().remove(name.as_ref());
        if let Some(old) = old {
            self.drain(old, Arc::clone(generation));
        }
        Ok(())
    }

    /// Lets a generation finish in the background.
    fn drain(&self, old: Arc<Generation>, new: Arc<Generation>) {
        let records = self.records.clone();
        let metrics = self.metrics.clone();
        let platform = Arc::clone(self.platform());
        let registry = self.registry.clone();
        tokio::spawn(async move {
            let limit = old.deadline() + DRAIN_GRACE;
            let mut note = None;
            if tokio::time::timeout(limit, old.in_flight().drained()).await.is_err() {
                let left = old.in_flight().count();
                note = Some(format!("{left} calls had not finished after {} s and were ended", limit.as_secs()));
                tracing::warn!("{} {}: {}", old.name(), old.number(), note.as_deref().unwrap_or_default());
                old.kill();
            }
            old.clear();
            let (name, number) = (Arc::clone(old.name()), old.number());
            // Brought back in the meantime, the same number runs again as another generation.
            let is_back = registry.table().active().get(&name).is_some_and(|active| active.number() == number);
            if is_back {
                return;
            }
            metrics.forget(&name, number);
            if let Err(error) = records.set_state(&name, number, State::Retired, note.as_deref()).await {
                tracing::error!("{name} {number} has retired, and that can't be recorded: {error}");
            }
            let still_active = registry.table().active().get(&name).is_some_and(|active| Arc::ptr_eq(active, &new));
            if still_active && let Err(error) = platform.database.settle(&name, &new.manifest().database).await {
                tracing::error!("rights of {name} that are no longer asked for can't be taken back: {error}");
            }
        });
    }

    async fn bring_back(&self, record: &GenerationRecord, change: &Change) -> Result<GenerationRecord, ControlError> {
        let component = &record.component;
        match record.state {
            State::Active if self.registry.table().active().contains_key(component.as_str()) => {
                return Err(ControlError::Refused(format!("generation {} of {component} is active already", record.number)));
            }
            State::Rejected | State::Failed => {
                return Err(ControlError::Refused(format!(
                    "generation {} of {component} was {}, and can't be activated: deploy a corrected file",
                    record.number,
                    if record.state == State::Rejected { "rejected" } else { "failed" },
                )));
            }
            _ => {}
        }
        let generation = self.restart(record).await?;
        self.put_in_place(&generation, change).await?;
        self.record(component, record.number).await
    }

    /// A generation that was deployed before, made ready again.
    async fn restart(&self, record: &GenerationRecord) -> Result<Arc<Generation>, ControlError> {
        let package = read(self.records.artifact(&record.sha256).await?).await?;
        let linked = self.assembly.link(&package).await?;
        if !self.registry.table().active().is_empty() {
            self.fits(&package, &linked)?;
        }
        let generation = self.assembly.assemble(&package, linked, record.number, &self.records).await?;
        probe(&generation).await?;
        Ok(generation)
    }

    async fn record(&self, component: &str, number: u64) -> Result<GenerationRecord, ControlError> {
        match self.records.generation(component, number).await? {
            Some(record) => Ok(record),
            None => {
                self.history(component).await?;
                Err(ControlError::UnknownGeneration { component: component.to_owned(), number })
            }
        }
    }

    /// Keeps the reason of a refusal in the component's history. The file itself is not kept.
    async fn remember(&self, package: &Package, error: &ControlError, change: &Change) {
        let state = if error.is_rejection() { State::Rejected } else { State::Failed };
        let (sha256, reason) = (package.hash.to_hex(), error.to_string());
        let new = new_record(package, &sha256, state, Some(&reason), change);
        if let Err(error) = self.records.insert(&new).await {
            tracing::error!("a refusal can't be recorded: {error}");
        }
    }
}

fn new_record<'a>(
    package: &'a Package,
    sha256: &'a str,
    state: State,
    reason: Option<&'a str>,
    change: &'a Change,
) -> NewGeneration<'a> {
    let size = package.bytes.len();
    let (component, by) = (package.manifest.name.as_str(), change.by.as_str());
    NewGeneration { component, version: &package.version, sha256, size, state, reason, by }
}

/// Reading validates every byte: for a blocking thread.
async fn read(bytes: Vec<u8>) -> Result<Package, ControlError> {
    let package = tokio::task::spawn_blocking(move || Package::read(bytes)).await;
    Ok(package.map_err(|_| ControlError::Internal("the file's reader did not finish".to_owned()))??)
}

async fn probe(generation: &Generation) -> Result<(), ControlError> {
    let call = CallContext::idle(tokio::time::Instant::now() + PROBE);
    generation.probe(call).await.map_err(ControlError::Probe)
}
