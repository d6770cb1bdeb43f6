//! What a component can import: one module for each package of `wit/`, and nothing else here.
//!
//! A capability has three moments. *Link*: its functions are put into a linker, once (`add_to_linker`). *Configure*: a
//! component's manifest is checked against it before anything runs. *Prepare*: what one instance needs of its own is
//! part of [`InstanceState`](crate::engine::InstanceState).

use std::{collections::BTreeMap, sync::Arc};

pub mod config;
pub mod crypto;
pub mod database;
pub mod deployments;
pub mod http_client;
pub mod jobs;
pub mod limits;
pub mod logging;
pub mod mail;
pub mod messaging;

/// The services behind the capabilities: one of each for the whole host.
pub struct Platform {
    /// The database of the components, as its owner.
    pub database: database::Database,
    /// What the host itself keeps. On SQLite a file of its own: a component that holds its one writer's lock
    /// must be able to ask the host for something that is written down.
    pub store: crate::store::Store,
    /// Events and jobs on their way.
    pub work: crate::work::Queue,
    /// Keys that the host makes and keeps for components.
    pub keyring: crypto::Keyring,
    /// argon2id on a bounded queue.
    pub passwords: crypto::PasswordHasher,
    /// Secrets that operators set or the host generated.
    pub secrets: config::Secrets,
    /// SMTP, or the local mailbox.
    pub mailer: mail::Mailer,
    /// What was taken of quotas.
    pub rates: limits::Rates,
    /// The client for outgoing requests.
    pub outbound: http_client::Outbound,
    /// The log records of all components and of the host.
    pub logs: crate::telemetry::logs::Logs,
    /// The control plane, once the host has started.
    pub control: deployments::ControlHandle,
    /// The base of the public address, without a slash at its end.
    pub public_url: String,
}

/// What one generation was granted, ready to use.
pub struct ComponentCapabilities {
    /// The services behind it.
    pub platform: Arc<Platform>,
    /// Its own connections, where its manifest names tables.
    pub database: Option<database::ComponentDatabase>,
    /// What it has taken of its quotas.
    pub rates: Arc<limits::Keys>,
    /// The hosts it may call.
    pub hosts: http_client::AllowedHosts,
    /// Its settings: the operator's values over the manifest's defaults.
    pub settings: BTreeMap<String, String>,
}
