//! The file that is deployed: read whole and checked by itself, before anything else is done with it.

use std::sync::Arc;

use datamp_openapi::Document;
use wasmparser::{Encoding, Parser, Payload, Validator, WasmFeatures};

use crate::{
    capabilities::database::{MigrationSet, MigrationSetError},
    engine::{artifact::ContentHash, interface::Interfaces, settings::Flavour},
    manifest::{MIGRATIONS_SECTION, Manifest, ManifestError, OPENAPI_SECTION, SECTION},
};

/// The largest file that is taken, in bytes.
pub const MAX_SIZE: usize = 128 << 20;

/// The export that takes events.
pub const SUBSCRIBER: &str = "datamp:messaging/subscriber";

/// The export that does jobs.
pub const JOB: &str = "datamp:jobs/job";

/// The export that has commands for operators.
pub const COMMANDS: &str = "datamp:operator/commands";

/// How a component serves HTTP, by what it exports.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HttpExport {
    /// The typed handler of `datamp:http`.
    Typed,
    /// `wasi:http/incoming-handler@0.2`.
    Wasi02,
    /// `wasi:http/handler@0.3`.
    Wasi03,
}

/// A component's file, with what it says of itself.
#[derive(Clone, Debug)]
pub struct Package {
    /// The file.
    pub bytes: Vec<u8>,
    /// Its identity.
    pub hash: ContentHash,
    /// Its manifest.
    pub manifest: Manifest,
    /// Its version as text.
    pub version: String,
    /// The migrations that travel in it.
    pub migrations: Option<MigrationSet>,
    /// What it says of its HTTP API.
    pub openapi: Option<Arc<Document>>,
    /// The names of its imports, with versions.
    pub imports: Vec<String>,
    /// The names of its exports, with versions.
    pub exports: Vec<String>,
}

/// Why a file is refused before anybody looks at what it would do.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// It is not WebAssembly at all, or a core module.
    #[error("the file is no WebAssembly component: {0}")]
    NotAComponent(&'static str),
    /// It is damaged or cut off.
    #[error("the file is damaged: {0}")]
    Damaged(String),
    /// It is longer than [`MAX_SIZE`].
    #[error("the file has more than {} MiB", MAX_SIZE >> 20)]
    TooLarge,
    /// Its manifest is missing or wrong.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A custom section occurs twice.
    #[error("the file has two sections {0:?}: one component carries one manifest")]
    TwoSections(&'static str),
    /// Its migrations can't be read, or don't fit its manifest.
    #[error("its migrations can't be used: {0}")]
    Migrations(String),
    /// What it says of its HTTP API is no document.
    #[error("what it says of its HTTP API can't be used: {0}")]
    OpenApi(String),
    /// Its manifest and its code contradict each other.
    #[error("its manifest does not fit its code: {0}")]
    Contradiction(String),
}

impl Package {
    /// Reads a file.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn read(bytes: Vec<u8>) -> Result<Self, PackageError> {
        if bytes.len() > MAX_SIZE {
            return Err(PackageError::TooLarge);
        }
        check_kind(&bytes)?;
        // All of it, before any part is used: a file that was cut off may end anywhere.
        Validator::new_with_features(features())
            .validate_all(&bytes)
            .map_err(|error| PackageError::Damaged(error.to_string()))?;
        let contents = Contents::read(&bytes).map_err(|error| PackageError::Damaged(error.to_string()))?;
        let manifest = one(SECTION, &contents.manifests)?.ok_or(ManifestError::Missing)?;
        let manifest = std::str::from_utf8(manifest).map_err(|_| ManifestError::NotText)?;
        let manifest = Manifest::parse(manifest)?;
        let migrations = one(MIGRATIONS_SECTION, &contents.migrations)?;
        let migrations = migrations
            .map(MigrationSet::parse)
            .transpose()
            .map_err(|error: MigrationSetError| PackageError::Migrations(error.to_string()))?;
        let openapi = one(OPENAPI_SECTION, &contents.openapi)?
            .map(Document::parse)
            .transpose()
            .map_err(|error| PackageError::OpenApi(error.to_string()))?;
        let package = Self {
            hash: ContentHash::of(&bytes),
            version: manifest.version.to_string(),
            imports: contents.imports,
            exports: contents.exports,
            bytes,
            manifest,
            migrations,
            openapi: openapi.map(Arc::new),
        };
        package.check()?;
        Ok(package)
    }

    /// How it serves HTTP, if it does.
    #[must_use]
    pub fn http_export(&self) -> Option<HttpExport> {
        self.exports.iter().find_map(|name| {
            let (interface, version) = name.split_once('@')?;
            match interface {
                "datamp:http/handler" => Some(HttpExport::Typed),
                "wasi:http/incoming-handler" if version.starts_with("0.2.") => Some(HttpExport::Wasi02),
                "wasi:http/handler" if version.starts_with("0.3.") => Some(HttpExport::Wasi03),
                _ => None,
            }
        })
    }

    /// Whether it exports an interface of version 1.
    #[must_use]
    pub fn exports_interface(&self, name: &str) -> bool {
        self.exports.iter().any(|export| export.strip_prefix(name).is_some_and(|version| version.starts_with("@1.")))
    }

    /// The engine it needs.
    #[must_use]
    pub fn flavour(&self) -> Flavour {
        match self.http_export() {
            Some(HttpExport::Wasi02 | HttpExport::Wasi03) => Flavour::Concurrent,
            Some(HttpExport::Typed) | None => Flavour::Synchronous,
        }
    }

    /// Whether the manifest names what the code imports. An interface of types alone gives nothing, and needs no naming.
    ///
    /// # Errors
    /// The first interface that is not named.
    pub fn check_imports(&self, imports: &Interfaces) -> Result<(), PackageError> {
        for (key, import) in imports.iter().filter(|(_, import)| !import.is_of_types_alone()) {
            if !is_free(key.name()) && !self.manifest.uses.contains(key.name()) {
                return Err(PackageError::Contradiction(format!(
                    "it imports {}, which its manifest does not name under uses",
                    import.full_name
                )));
            }
            let contradiction = |problem: &str| {
                Err(PackageError::Contradiction(format!("it imports {}, and {problem}", import.full_name)))
            };
            if key.name() == "datamp:messaging/publisher" && self.manifest.messaging.publishes.is_empty() {
                return contradiction("names no topic under messaging.publishes");
            }
            if key.name() == "datamp:jobs/scheduler" && !self.exports_interface(JOB) {
                return contradiction("does not export datamp:jobs/job, which would do what it schedules");
            }
            // Without its functions it is there for a type that another interface uses.
            let uses_sql = key.name() == "datamp:database/sql" && !import.functions.is_empty();
            if uses_sql && self.manifest.database.tables.is_empty() {
                return Err(PackageError::Contradiction(format!(
                    "it imports {}, and names no table under database.tables",
                    import.full_name
                )));
            }
        }
        Ok(())
    }

    /// Whether manifest and code tell the same story.
    fn check(&self) -> Result<(), PackageError> {
        let contradiction = |text: String| Err(PackageError::Contradiction(text));
        let manifest = &self.manifest;
        if let (None, Some(route)) = (self.http_export(), manifest.routes.first()) {
            return contradiction(format!(
                "it names the route {}, and exports neither datamp:http/handler nor a handler of wasi:http",
                route.as_str()
            ));
        }
        let standard = matches!(self.http_export(), Some(HttpExport::Wasi02 | HttpExport::Wasi03));
        let subscribes = manifest.messaging.subscribes.first().map(|topic| format!("subscribes to {topic}"));
        let schedule = manifest.schedules.keys().next().map(|name| format!("names the schedule {name}"));
        for (does, export) in [(subscribes, SUBSCRIBER), (schedule, JOB)] {
            let Some(does) = does else { continue };
            if !self.exports_interface(export) {
                return contradiction(format!("it {does}, and does not export {export} (version 1)"));
            }
            if standard {
                return contradiction(format!(
                    "it {does}, which a component that serves wasi:http can't: serve datamp:http/handler"
                ));
            }
        }
        if standard && self.exports_interface(COMMANDS) {
            return contradiction(format!(
                "it exports {COMMANDS}, which a component that serves wasi:http can't: serve datamp:http/handler"
            ));
        }
        match (&manifest.database.migrations, &self.migrations) {
            (Some(named), None) => contradiction(format!("it names the migrations {named}, and none travel in it")),
            (None, Some(set)) => {
                contradiction(format!("the migrations {} travel in it, and it does not name them", set.name.as_str()))
            }
            (Some(named), Some(set)) if named.as_str() != set.name.as_str() => contradiction(format!(
                "it names the migrations {named}, and those of {} travel in it",
                set.name.as_str()
            )),
            _ => Ok(()),
        }
    }
}

/// Interfaces that every component may import without asking. What they give is bounded by other parts of the manifest.
fn is_free(interface: &str) -> bool {
    const FREE: [&str; 8] = [
        "wasi:",
        "datamp:logging/",
        "datamp:config/",
        "datamp:crypto/",
        "datamp:http/",
        "datamp:messaging/",
        "datamp:jobs/",
        "datamp:limits/",
    ];
    interface == "datamp:database/sql" || FREE.iter().any(|prefix| interface.starts_with(prefix))
}

/// What the engine takes; a file that needs more is refused here with a clear word.
fn features() -> WasmFeatures {
    WasmFeatures::default()
        | WasmFeatures::CM_ASYNC
        | WasmFeatures::CM_ASYNC_STACKFUL
        | WasmFeatures::CM_MORE_ASYNC_BUILTINS
}

fn check_kind(bytes: &[u8]) -> Result<(), PackageError> {
    match Parser::new(0).parse_all(bytes).next() {
        Some(Ok(Payload::Version { encoding: Encoding::Component, .. })) => Ok(()),
        Some(Ok(Payload::Version { encoding: Encoding::Module, .. })) => {
            Err(PackageError::NotAComponent("it is a core module: build it for wasm32-wasip2"))
        }
        _ if bytes.is_empty() => Err(PackageError::NotAComponent("it is empty")),
        _ => Err(PackageError::NotAComponent("it does not begin as WebAssembly does")),
    }
}

fn one<'a>(name: &'static str, found: &[&'a [u8]]) -> Result<Option<&'a [u8]>, PackageError> {
    match found {
        [] => Ok(None),
        [section] => Ok(Some(section)),
        _ => Err(PackageError::TwoSections(name)),
    }
}

#[derive(Default)]
struct Contents<'a> {
    manifests: Vec<&'a [u8]>,
    migrations: Vec<&'a [u8]>,
    openapi: Vec<&'a [u8]>,
    imports: Vec<String>,
    exports: Vec<String>,
}

impl<'a> Contents<'a> {
    /// Sections at every depth (a linker puts them into the core module within), imports and exports of the outermost.
    fn read(bytes: &'a [u8]) -> wasmparser::Result<Self> {
        let mut contents = Self::default();
        let mut depth = 0_usize;
        for payload in Parser::new(0).parse_all(bytes) {
            match payload? {
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::CustomSection(section) if section.name() == SECTION => {
                    contents.manifests.push(section.data());
                }
                Payload::CustomSection(section) if section.name() == MIGRATIONS_SECTION => {
                    contents.migrations.push(section.data());
                }
                Payload::CustomSection(section) if section.name() == OPENAPI_SECTION => {
                    contents.openapi.push(section.data());
                }
                Payload::ComponentImportSection(imports) if depth == 0 => {
                    for import in imports {
                        contents.imports.push(import?.name.name.to_owned());
                    }
                }
                Payload::ComponentExportSection(exports) if depth == 0 => {
                    for export in exports {
                        contents.exports.push(export?.name.name.to_owned());
                    }
                }
                _ => {}
            }
        }
        Ok(contents)
    }
}
