//! What the control plane tells about the host and its components.

use super::{Control, ControlError, GenerationRecord, State, package::Package, read};
use crate::capabilities::database::{MigrationSet, sql::Dialect};
use crate::{engine::settings::Allocation, registry::Runner, telemetry::metrics::Figures};

/// The host at one glance.
#[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
pub struct HostStatus {
    /// The host's version.
    pub version: String,
    /// Seconds since it started.
    pub uptime_s: u64,
    /// `sqlite` or `postgresql`.
    pub database: String,
    /// How instances get their memory: `pooling` or `on-demand`.
    pub allocation: String,
    /// Every component that was ever deployed, by name.
    pub components: Vec<ComponentStatus>,
}

/// One component at one glance.
#[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
pub struct ComponentStatus {
    /// Its name.
    pub component: String,
    /// Its active generation, if it has one.
    pub active: Option<GenerationRecord>,
    /// Why the active generation is not running here, if it isn't.
    pub broken: Option<String>,
    /// The prefixes that are routed to it.
    pub routes: Vec<String>,
    /// How it is run: `typed`, `wasi:http`, or `none` where it is not running.
    pub runner: String,
    /// What the active generation has done since the host started.
    pub figures: Figures,
    /// The calls it is working on.
    pub in_flight: u64,
}

/// What a file says of itself, and what deploying it would take.
#[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
pub struct Inspection {
    /// The component's name.
    pub component: String,
    /// Its version.
    pub version: String,
    /// What it is.
    pub description: String,
    /// SHA-256 of the file, in hex.
    pub sha256: String,
    /// The file's size in bytes.
    pub size: u64,
    /// What it imports.
    pub imports: Vec<String>,
    /// What it exports.
    pub exports: Vec<String>,
    /// The prefixes it serves.
    pub routes: Vec<String>,
    /// What it asks for.
    pub asks: Vec<String>,
    /// The migrations that travel in it, as `number name`.
    pub migrations: Vec<String>,
    /// The version of the document of its HTTP API, if one travels in it.
    #[serde(default)]
    pub openapi: Option<String>,
}

impl Inspection {
    /// Of a file that was read.
    #[must_use]
    pub fn of(package: &Package) -> Self {
        let manifest = &package.manifest;
        Self {
            component: manifest.name.to_string(),
            version: manifest.version.to_string(),
            description: manifest.description.clone(),
            sha256: package.hash.to_hex(),
            size: u64::try_from(package.bytes.len()).unwrap_or(u64::MAX),
            imports: package.imports.clone(),
            exports: package.exports.clone(),
            routes: manifest.routes.iter().map(|route| route.as_str().to_owned()).collect(),
            asks: manifest.asks().into_iter().collect(),
            migrations: package.migrations.as_ref().map(summary).unwrap_or_default(),
            openapi: package.openapi.as_ref().map(|document| document.version().to_owned()),
        }
    }
}

impl Control {
    /// The host and all components.
    ///
    /// # Errors
    /// When the records can't be read.
    pub async fn status(&self) -> Result<HostStatus, ControlError> {
        let mut components = Vec::new();
        for name in self.records.components().await? {
            components.push(self.component(&name).await?);
        }
        Ok(HostStatus {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_s: self.started.elapsed().as_secs(),
            database: dialect(self.platform().database.dialect()).to_owned(),
            allocation: match self.assembly.engines.allocation() {
                Allocation::Pooling => "pooling".to_owned(),
                Allocation::OnDemand => "on-demand".to_owned(),
            },
            components,
        })
    }

    /// One component.
    ///
    /// # Errors
    /// When there is none of this name, or the records can't be read.
    pub async fn component(&self, name: &str) -> Result<ComponentStatus, ControlError> {
        let history = self.history(name).await?;
        let running = self.registry.table().active().get(name).cloned();
        Ok(ComponentStatus {
            component: name.to_owned(),
            active: history.into_iter().find(|generation| generation.state == State::Active),
            broken: self.broken.lock().get(name).cloned(),
            routes: running
                .iter()
                .flat_map(|g| g.manifest().routes.iter().map(|route| route.as_str().to_owned()))
                .collect(),
            runner: running
                .as_ref()
                .map_or("none", |g| match g.runner() {
                    Runner::Typed(_) => "typed",
                    Runner::Standard(_) => "wasi:http",
                })
                .to_owned(),
            figures: running.as_ref().map(|g| g.metrics().figures()).unwrap_or_default(),
            in_flight: running.as_ref().map_or(0, |g| g.in_flight().count()),
        })
    }

    /// What a file says of itself. Nothing is deployed.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub async fn inspect(&self, bytes: Vec<u8>) -> Result<Inspection, ControlError> {
        Ok(Inspection::of(&read(bytes).await?))
    }
}

fn summary(set: &MigrationSet) -> Vec<String> {
    set.migrations()
        .iter()
        .map(|migration| format!("{} {:04} {}", set.name.as_str(), migration.number, migration.name))
        .collect()
}

fn dialect(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "sqlite",
        Dialect::Postgresql => "postgresql",
    }
}
