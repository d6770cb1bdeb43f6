//! Every way in which the control plane refuses or fails.

use http::StatusCode;

use super::package::PackageError;
use crate::{
    capabilities::database::{MigrationError, OpenError},
    engine::{CallError, artifact::CompileError},
    http::Problem,
    registry::Conflict,
};

/// Why something was not done. Unless it says otherwise, nothing changed.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The file itself is at fault.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// wasmtime can't compile it.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// It imports something that neither the host nor an active component provides.
    #[error("an import is not provided: {0}")]
    Import(String),
    /// It asks for what nobody granted.
    #[error("{component} asks for what was not granted: {}", .asks.join(", "))]
    NotGranted {
        /// The component.
        component: String,
        /// What is missing.
        asks: Vec<String>,
    },
    /// It does not fit the other components.
    #[error("{component} {version} does not fit the active components: {conflict}")]
    Conflict {
        /// The component.
        component: String,
        /// Its version.
        version: String,
        /// What does not fit.
        conflict: Conflict,
    },
    /// Clients of the active generation's HTTP API would not get on with it.
    #[error("{component} {version} breaks clients of its HTTP API: {}", shown(.breaks))]
    BreaksClients {
        /// The component.
        component: String,
        /// Its version.
        version: String,
        /// Every change that breaks them.
        breaks: Vec<String>,
    },
    /// A pattern under `http.hosts` can't be read.
    #[error("http.hosts can't be used: {0}")]
    Hosts(String),
    /// Its migrations contradict what was applied, or failed.
    #[error("its migrations can't be applied: {0}")]
    Migrations(#[from] MigrationError),
    /// Its share of the database could not be prepared.
    #[error("its share of the database can't be prepared: {0}")]
    Database(#[from] OpenError),
    /// It does not start.
    #[error("it was not activated, as it does not start: {0}")]
    Probe(CallError),
    /// No such component.
    #[error("there is no component {0:?}; `datamp status` lists those that are there")]
    UnknownComponent(String),
    /// No such generation.
    #[error("{component} has no generation {number}")]
    UnknownGeneration {
        /// The component.
        component: String,
        /// The number asked for.
        number: u64,
    },
    /// It can't be done with things as they are.
    #[error("{0}")]
    Refused(String),
    /// The host's own tables can't be read or written.
    #[error("the host's own tables can't be used: {0}")]
    Store(#[from] sqlx::Error),
    /// The host's own fault.
    #[error("the host failed: {0}")]
    Internal(String),
}

/// How many breaks are told in words; the problem has all of them.
const TOLD: usize = 20;

fn shown(breaks: &[String]) -> String {
    let told: Vec<&str> = breaks.iter().take(TOLD).map(String::as_str).collect();
    match breaks.len().saturating_sub(TOLD) {
        0 => told.join("; "),
        more => format!("{}; and {more} more", told.join("; ")),
    }
}

impl ControlError {
    /// The state that a generation is left in: refused as it is, or failed for another reason.
    pub(super) fn is_rejection(&self) -> bool {
        !matches!(self, Self::Probe(_) | Self::Store(_) | Self::Internal(_) | Self::Database(_))
    }
}

impl From<&ControlError> for Problem {
    fn from(error: &ControlError) -> Self {
        use ControlError as E;
        let detail = error.to_string();
        let of = |status, slug, title| Self::new(status, slug, title, detail.clone());
        let unfit = StatusCode::UNPROCESSABLE_ENTITY;
        match error {
            E::Package(PackageError::NotAComponent(_)) => of(unfit, "not-a-component", "Not a component"),
            E::Package(PackageError::Damaged(_)) => of(unfit, "damaged-component", "The component is damaged"),
            E::Package(PackageError::TooLarge) => {
                of(StatusCode::PAYLOAD_TOO_LARGE, "component-too-large", "The component is too large")
            }
            E::Package(PackageError::Manifest(_) | PackageError::TwoSections(_)) | E::Hosts(_) => {
                of(unfit, "invalid-manifest", "The manifest is invalid")
            }
            E::Package(PackageError::Contradiction(_)) => {
                of(unfit, "manifest-mismatch", "The manifest does not fit the code")
            }
            E::Package(PackageError::Migrations(_)) => of(unfit, "invalid-migrations", "The migrations are invalid"),
            E::Package(PackageError::OpenApi(_)) => of(unfit, "invalid-openapi", "The API's document is invalid"),
            E::BreaksClients { breaks, .. } => {
                of(StatusCode::CONFLICT, "breaks-clients", "Clients would break").with("breaks", breaks.clone())
            }
            E::Compile(_) => of(unfit, "compilation-failed", "The component can't be compiled"),
            E::Import(_) | E::Conflict { conflict: Conflict::Missing { .. }, .. } => {
                of(unfit, "import-not-provided", "An import is not provided")
            }
            E::NotGranted { asks, .. } => {
                of(StatusCode::FORBIDDEN, "not-granted", "Not granted").with("asks", asks.clone())
            }
            E::Conflict { conflict: Conflict::Route { .. }, .. } => {
                of(StatusCode::CONFLICT, "route-taken", "The route is taken")
            }
            E::Conflict { conflict: Conflict::Export { .. }, .. } => {
                of(StatusCode::CONFLICT, "export-taken", "The interface is taken")
            }
            E::Conflict { conflict: Conflict::Needed { .. }, .. } => {
                of(StatusCode::CONFLICT, "export-needed", "Another component needs an export")
            }
            E::Migrations(_) => of(StatusCode::CONFLICT, "migrations-conflict", "The migrations don't fit"),
            E::Database(_) => of(unfit, "database-refused", "The database can't be prepared"),
            E::Probe(_) => of(unfit, "does-not-start", "The component does not start"),
            E::UnknownComponent(_) => of(StatusCode::NOT_FOUND, "unknown-component", "No such component"),
            E::UnknownGeneration { .. } => of(StatusCode::NOT_FOUND, "unknown-generation", "No such generation"),
            E::Refused(_) => of(StatusCode::CONFLICT, "refused", "Refused"),
            E::Store(_) | E::Internal(_) => {
                tracing::error!("{detail}");
                Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "internal",
                    "The host failed",
                    "the host could not do this; its log has more",
                )
            }
        }
    }
}
