//! From a checked file to a generation that can run.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, OnceLock, atomic::AtomicBool},
};

use tokio::sync::Semaphore;
use wasmtime::component::{Component, ComponentExportIndex};
use wasmtime_wasi_http::{
    handler::ProxyPre, p2::bindings::ProxyPre as Wasi02Pre, p3::bindings::ServicePre as Wasi03Pre,
};

use super::{
    ControlError,
    package::{COMMANDS, HttpExport, JOB, Package, PackageError, SUBSCRIBER},
    records::Records,
};
use crate::{
    capabilities::{ComponentCapabilities, Platform, http_client::AllowedHosts},
    engine::{
        ComponentContext, Engines, InstanceState, Serves,
        artifact::ArtifactCache,
        interface::{self, InterfaceKey, Interfaces},
        links,
        pool::{ExportId, InstancePool},
        standard::StandardHandler,
    },
    manifest::Merge,
    registry::{Generation, Registry, Runner, merge},
    telemetry::metrics::Metrics,
};

/// Compiling takes a core and up to 500 MB; one at a time leaves the other cores to requests.
const COMPILERS: usize = 1;

/// Makes generations.
pub(super) struct Assembly {
    pub(super) engines: Engines,
    pub(super) cache: ArtifactCache,
    pub(super) platform: Arc<Platform>,
    pub(super) registry: Registry,
    pub(super) metrics: Metrics,
    compilers: Arc<Semaphore>,
}

/// A compiled component whose imports all have an answer. Nothing outside of it has changed yet.
pub(super) struct Linked {
    pre: wasmtime::component::InstancePre<InstanceState>,
    component: Component,
    pub(super) exports: Interfaces,
    pub(super) links: Interfaces,
    hosts: AllowedHosts,
}

impl Assembly {
    pub(super) fn new(
        engines: Engines,
        cache: ArtifactCache,
        platform: Arc<Platform>,
        registry: Registry,
        metrics: Metrics,
    ) -> Self {
        let compilers = Arc::new(Semaphore::new(COMPILERS));
        Self { engines, cache, platform, registry, metrics, compilers }
    }

    /// Compiles a file, or finds it compiled, and links it.
    ///
    /// # Errors
    /// When it can't be compiled, or imports what is not there.
    pub(super) async fn link(&self, package: &Package) -> Result<Linked, ControlError> {
        let hosts = package.manifest.http.hosts.iter().map(String::as_str);
        let hosts = AllowedHosts::parse(hosts).map_err(|e| ControlError::Hosts(e.to_string()))?;
        let base = self.engines.base(package.flavour());
        let component = self.compile(package, &base.engine).await?;
        let imports = interface::imports(&component, &base.engine);
        package.check_imports(&imports)?;
        // What no capability provides, other components are to provide.
        let links: Interfaces = imports
            .into_iter()
            .filter(|(key, needed)| !is_of_the_platform(key) && !needed.is_of_types_alone())
            .collect();
        let mut linker = base.linker.clone();
        for (key, needed) in &links {
            if needed.has_resources {
                return Err(ControlError::Import(format!(
                    "{} has resources, and what passes between components is values alone",
                    needed.full_name
                )));
            }
            links::define(&mut linker, key, needed, &self.registry).map_err(|e| ControlError::Import(e.to_string()))?;
        }
        let pre = linker.instantiate_pre(&component).map_err(|e| ControlError::Import(format!("{e:#}")))?;
        let exports =
            interface::exports(&component, &base.engine).into_iter().filter(|(key, _)| !is_for_the_host(key)).collect();
        check_merged(&package.manifest.merge, &exports)?;
        Ok(Linked { pre, component, exports, links, hosts })
    }

    /// Makes a generation of what was linked: opens its share of the database and reads its settings.
    ///
    /// # Errors
    /// When its share of the database can't be had.
    pub(super) async fn assemble(
        &self,
        package: &Package,
        linked: Linked,
        number: u64,
        records: &Records,
    ) -> Result<Arc<Generation>, ControlError> {
        let manifest = &package.manifest;
        let name = manifest.name.as_str();
        let database = if manifest.database.tables.is_empty() {
            None
        } else {
            Some(self.platform.database.open(name, &manifest.database).await?)
        };
        let mut settings: BTreeMap<String, String> = manifest
            .config
            .iter()
            .filter_map(|(name, setting)| Some((name.clone(), setting.default.clone()?)))
            .collect();
        let set = records.settings(name).await?;
        settings.extend(set.into_iter().filter(|(name, _)| manifest.config.contains_key(name)));
        let context = Arc::new(ComponentContext {
            name: name.into(),
            manifest: manifest.clone(),
            generation: number,
            capabilities: ComponentCapabilities {
                platform: Arc::clone(&self.platform),
                database,
                rates: self.platform.rates.of(name),
                hosts: linked.hosts,
                settings,
            },
            killed: AtomicBool::new(false),
            own: OnceLock::new(),
        });
        let (indices, export_ids) = export_table(&linked.component, &linked.exports);
        let internal = |error: wasmtime::Error| ControlError::Import(format!("{error:#}"));
        let runner = match package.http_export() {
            Some(HttpExport::Wasi02) => {
                let pre = ProxyPre::P2(Wasi02Pre::new(linked.pre).map_err(internal)?);
                Runner::Standard(StandardHandler::new(pre, Arc::clone(&context)))
            }
            Some(HttpExport::Wasi03) => {
                let pre = ProxyPre::P3(Wasi03Pre::new(linked.pre).map_err(internal)?);
                Runner::Standard(StandardHandler::new(pre, Arc::clone(&context)))
            }
            http => {
                let serves = Serves {
                    http: http == Some(HttpExport::Typed),
                    events: package.exports_interface(SUBSCRIBER),
                    jobs: package.exports_interface(JOB),
                    commands: package.exports_interface(COMMANDS),
                };
                Runner::Typed(InstancePool::new(linked.pre, serves, indices, Arc::clone(&context)).map_err(internal)?)
            }
        };
        let metrics = self.metrics.generation(name, number);
        let generation = Generation::new(
            Arc::clone(&context),
            runner,
            linked.exports,
            export_ids,
            linked.links,
            metrics,
            self.metrics.merging(),
        );
        let generation = Arc::new(generation);
        // It was made just now, and has no other.
        let _ = context.own.set(Arc::downgrade(&generation));
        Ok(generation)
    }

    async fn compile(&self, package: &Package, engine: &wasmtime::Engine) -> Result<Component, ControlError> {
        let internal = |_| ControlError::Internal("the compiler did not finish".to_owned());
        let permit = Arc::clone(&self.compilers).acquire_owned().await.map_err(internal)?;
        let (cache, engine, hash, bytes) = (self.cache.clone(), engine.clone(), package.hash, package.bytes.clone());
        let compiled = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            cache.load_or_compile(&engine, hash, &bytes)
        });
        let compiled = compiled.await.map_err(|_| ControlError::Internal("the compiler did not finish".to_owned()))?;
        Ok(compiled?)
    }
}

/// Whether the functions whose calls are to be merged are there, and can be.
fn check_merged(merged: &[Merge], exports: &Interfaces) -> Result<(), ControlError> {
    let contradiction = |problem| ControlError::Package(PackageError::Contradiction(problem));
    for merge in merged {
        let name = &merge.function;
        let exported = exports.iter().find(|(key, _)| key.name() == merge.interface());
        let function = exported.and_then(|(_, interface)| interface.functions.get(merge.function()));
        let function = function
            .ok_or_else(|| contradiction(format!("calls of {name} are to be merged, and it does not export that")))?;
        merge::check(function)
            .map_err(|problem| contradiction(format!("calls of {name} can't be merged: {problem}")))?;
    }
    Ok(())
}

/// Interfaces that the host itself calls, or that a command line would.
fn is_for_the_host(key: &InterfaceKey) -> bool {
    const FOR_THE_HOST: [&str; 5] = ["wasi:", "datamp:http/", "datamp:messaging/", "datamp:jobs/", "datamp:operator/"];
    FOR_THE_HOST.iter().any(|package| key.name().starts_with(package))
}

/// Packages whose interfaces the host provides, if at all.
fn is_of_the_platform(key: &InterfaceKey) -> bool {
    const PLATFORM: [&str; 12] = [
        "wasi:",
        "datamp:http/",
        "datamp:database/",
        "datamp:crypto/",
        "datamp:config/",
        "datamp:logging/",
        "datamp:mail/",
        "datamp:deployments/",
        "datamp:messaging/",
        "datamp:jobs/",
        "datamp:limits/",
        "datamp:operator/",
    ];
    PLATFORM.iter().any(|package| key.name().starts_with(package))
}

type ExportIds = HashMap<InterfaceKey, HashMap<String, ExportId>>;

fn export_table(component: &Component, exports: &Interfaces) -> (Vec<ComponentExportIndex>, ExportIds) {
    let mut indices = Vec::new();
    let mut ids = ExportIds::new();
    for (key, exported) in exports {
        let functions = ids.entry(key.clone()).or_default();
        for (function, index) in interface::export_indices(component, exported) {
            functions.insert(function, indices.len());
            indices.push(index);
        }
    }
    (indices, ids)
}
