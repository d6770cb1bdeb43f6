//! The control plane: what is deployed, what is active, and how one becomes the other.
//!
//! Deploying has two halves. *Admission* reads, compiles, links and compares, and changes nothing. Only a file that passes
//! all of it is kept, has its migrations applied, is started once as a probe, and becomes active by one swap of a pointer.

mod activation;
mod admission;
pub mod api;
mod assembly;
mod command_api;
pub mod commands;
mod draining;
mod error;
pub mod package;
mod preset;
mod records;
mod status;
mod work_api;

pub use error::ControlError;
pub use preset::Preset;
pub use records::{GenerationRecord, Records, State};
pub use status::{ComponentStatus, HostStatus, Inspection};

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use parking_lot::Mutex as SyncMutex;
use tokio::sync::Mutex;

use self::{admission::Admitted, assembly::Assembly, draining::Draining, package::Package};
use crate::{
    capabilities::Platform,
    engine::{Engines, artifact::ArtifactCache},
    registry::{Down, Registry, Table},
    telemetry::metrics::Metrics,
    work::Kind,
};

/// The control plane of one host.
pub struct Control {
    assembly: Assembly,
    records: Records,
    registry: Registry,
    metrics: Metrics,
    /// One change at a time.
    changing: Arc<Mutex<()>>,
    /// Generations that finish what is under way.
    draining: Arc<Draining>,
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
    /// Whether clients of the component's HTTP API may break by it. The history then says so.
    pub may_break_clients: bool,
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
            changing: Arc::default(),
            draining: Arc::default(),
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
        let (mut table, mut down) = (Table::default(), Down::new());
        // Of two that can't both be, as one was deployed while the other was not running, the later one counts: it comes first.
        for record in self.records.active().await? {
            match self.restart(&record, |package, linked| admission::is_free(package, linked, &table)).await {
                Ok(generation) => table = table.with(generation),
                Err(error) => {
                    tracing::error!("{} {} does not start: {error}", record.component, record.number);
                    down.insert(record.component.as_str().into(), self.routes(&record).await);
                    self.broken.lock().insert(record.component, error.to_string());
                }
            }
        }
        for generation in table.active().values() {
            // What a host wrote that ended in the middle of a swap is made good.
            let (queue, manifest, does_jobs) =
                (&self.platform().work, generation.manifest(), generation.takes(Kind::Job));
            queue.expand(manifest, does_jobs).await?;
            queue.end(manifest).await?;
            activation::settle(self.platform(), generation).await;
        }
        self.registry.replace(Table::of(table.active().clone(), down));
        self.platform().work.look();
        Ok(())
    }

    /// Deploys a file: admits it, keeps it, and makes it active.
    ///
    /// # Errors
    /// Why it was not activated. The active generation then serves on as before.
    pub async fn deploy(
        self: &Arc<Self>,
        bytes: Vec<u8>,
        grant: Grant,
        change: Change,
    ) -> Result<Deployed, ControlError> {
        let control = Arc::clone(self);
        to_its_end(async move { control.deploy_now(bytes, &grant, &change).await }).await
    }

    async fn deploy_now(&self, bytes: Vec<u8>, grant: &Grant, change: &Change) -> Result<Deployed, ControlError> {
        let started = Instant::now();
        let package = read(bytes).await?;
        let _changing = self.changing.lock().await;
        let Admitted { linked, asks, breaks } = match self.admit(&package, grant, change).await {
            Ok(admitted) => admitted,
            Err(error) => {
                self.remember(&package, &error, change).await;
                return Err(error);
            }
        };
        let change = &change.breaking(&breaks);
        let (generation, announcements) = self.introduce(&package, linked, &asks, change).await?;
        self.put_in_place(&generation, change).await?;
        let record = self.record(generation.name(), generation.number()).await?;
        let took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(
            "{} {} is active as generation {} after {took_ms} ms",
            record.component,
            record.version,
            record.number
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
        self: &Arc<Self>,
        component: String,
        number: u64,
        change: Change,
    ) -> Result<GenerationRecord, ControlError> {
        let control = Arc::clone(self);
        to_its_end(async move {
            let _changing = control.changing.lock().await;
            let record = control.record(&component, number).await?;
            control.bring_back(&record, &change).await
        })
        .await
    }

    /// Makes the generation that was active before the active one.
    ///
    /// # Errors
    /// When there is none, or it does not fit any more.
    pub async fn rollback(
        self: &Arc<Self>,
        component: String,
        change: Change,
    ) -> Result<GenerationRecord, ControlError> {
        let control = Arc::clone(self);
        to_its_end(async move { control.rollback_now(&component, &change).await }).await
    }

    async fn rollback_now(&self, component: &str, change: &Change) -> Result<GenerationRecord, ControlError> {
        let _changing = self.changing.lock().await;
        let history = self.history(component).await?;
        let active = history.iter().find(|g| g.state == State::Active);
        let below = active.map_or(u64::MAX >> 1, |g| g.number);
        let previous = self.records.previous(component, below).await?.ok_or_else(|| {
            ControlError::Refused(format!(
                "{component} has no earlier generation that was active: there is nothing to go back to"
            ))
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
        let active =
            table.active().get(component).ok_or_else(|| ControlError::UnknownComponent(component.to_owned()))?;
        if !active.manifest().config.contains_key(name) {
            return Err(ControlError::Refused(format!("{component}'s manifest names no setting {name:?}")));
        }
        self.records.set_setting(component, name, value).await
    }

    /// Gives a setting of a component a value before any component is started, so that it holds from the start.
    ///
    /// # Errors
    /// When the records can't be written. Whether there is such a setting is seen once the component is there:
    /// [`has_setting`](Self::has_setting).
    pub async fn preset(&self, setting: &Preset) -> Result<(), ControlError> {
        self.records.set_setting(&setting.component, &setting.name, &setting.value).await
    }

    /// Takes such a value back.
    ///
    /// # Errors
    /// When the records can't be written.
    pub async fn take_back(&self, setting: &Preset) -> Result<(), ControlError> {
        self.records.remove_setting(&setting.component, &setting.name).await
    }

    /// Whether a component is active whose manifest names a setting.
    #[must_use]
    pub fn has_setting(&self, component: &str, name: &str) -> bool {
        let table = self.registry.table();
        table.active().get(component).is_some_and(|active| active.manifest().config.contains_key(name))
    }

    /// The services behind the capabilities.
    #[must_use]
    pub fn platform(&self) -> &Arc<Platform> {
        &self.assembly.platform
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
}

/// Reading validates every byte: for a blocking thread.
async fn read(bytes: Vec<u8>) -> Result<Package, ControlError> {
    let package = tokio::task::spawn_blocking(move || Package::read(bytes)).await;
    Ok(package.map_err(|_| ControlError::Internal("the file's reader did not finish".to_owned()))??)
}

/// A change goes on to its end although its caller goes away: one that stopped halfway would leave the records saying one
/// thing and the registry another.
async fn to_its_end<T: Send + 'static>(
    change: impl Future<Output = Result<T, ControlError>> + Send + 'static,
) -> Result<T, ControlError> {
    tokio::spawn(change).await.map_err(|_| ControlError::Internal("a change did not finish".to_owned()))?
}
