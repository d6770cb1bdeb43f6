//! The rows, a module for each kind.

mod balance;
mod cold_start;
mod noop;
mod service_call;
mod statement;
mod swap;
mod throughput;
mod transfers;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::ValueEnum;
use serde::Serialize;

use crate::{
    host::{self, Setup},
    load::{self, LoadOptions, LoadReport},
    report::{Row, Target},
};

/// What can be measured.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RowName {
    /// The native no-op behind the edge, against bare axum.
    Edge,
    /// A no-op through a component, instances reused.
    HttpNoop,
    /// The same with an instance for each request.
    HttpNoopFresh,
    /// A balance by API key through core, on SQLite.
    BalanceRead,
    /// The same on PostgreSQL.
    BalanceReadPg,
    /// Transfers between any accounts, one per request.
    TransferSingle,
    /// Transfers that all go to one account, one per request.
    TransferHot,
    /// Transfers between any accounts, 1,000 per request.
    TransferBatch,
    /// A page of a statement as its history grows.
    StatementGrowth,
    /// A call from component to component.
    ServiceCall,
    /// The 99th percentile while a component is swapped.
    Swap,
    /// How long the host takes to be ready.
    ColdStart,
}

impl RowName {
    /// Where it has to be.
    pub(crate) fn target(self) -> Option<Target> {
        match self {
            Self::Edge => Some(Target::RatioAtLeast(0.75)),
            Self::HttpNoop => Some(Target::RatioAtLeast(0.65)),
            Self::HttpNoopFresh => Some(Target::RatioAtLeast(0.15)),
            Self::BalanceRead | Self::BalanceReadPg => Some(Target::RatioAtLeast(0.85)),
            Self::TransferSingle => Some(Target::RatioAtLeast(0.8)),
            Self::TransferHot => Some(Target::RatioAtLeast(3.0)),
            Self::TransferBatch => Some(Target::RatioAtLeast(8.0)),
            Self::StatementGrowth => Some(Target::RatioAtMost(1.3)),
            Self::ServiceCall => Some(Target::ValueAtMost(15.0)),
            Self::Swap => Some(Target::RatioAtMost(2.0)),
            Self::ColdStart => None,
        }
    }
}

impl std::fmt::Display for RowName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.to_possible_value().as_ref().map_or("", |value| value.get_name()))
    }
}

/// How long and how hard to measure, and with what.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Settings {
    /// How often each thing is measured.
    #[arg(long, default_value_t = 9)]
    pub(crate) rounds: usize,
    /// Seconds of load each time.
    #[arg(long, default_value_t = 1.0)]
    pub(crate) seconds: f64,
    /// Connections of the load, each with one request under way.
    #[arg(long, default_value_t = 32)]
    pub(crate) connections: usize,
    /// The host's program; by default the one beside this.
    #[arg(long, env = "DATAMP_HOST_BIN", value_name = "FILE")]
    host: Option<PathBuf>,
    /// The folder of the built components; by default the one that `cargo xtask` builds them into.
    #[arg(long, env = "DATAMP_COMPONENTS", value_name = "FOLDER")]
    components: Option<PathBuf>,
}

impl Settings {
    /// Makes a load as these settings have it.
    async fn load(&self, options: &LoadOptions) -> Result<LoadReport> {
        let options = LoadOptions { connections: self.connections, seconds: self.seconds, ..options.clone() };
        load::spawn(&options).await
    }

    /// A host with components, by the names of their crates.
    fn setup(&self, crates: &[&str]) -> Result<Setup> {
        let program = match &self.host {
            Some(program) => program.clone(),
            None => beside_this("datamp")?,
        };
        let folder = self.components()?;
        let components = crates.iter().map(|name| host::component(&folder, name)).collect();
        // One key makes all requests of a row, which is what is measured, and not how it is held back.
        let limited = crates.contains(&"datamp-core");
        let settings = limited.then(|| "core/rate-limit=1000000".to_owned()).into_iter().collect();
        Ok(Setup { program, components, database: None, settings })
    }

    /// Where the built components are.
    fn components(&self) -> Result<PathBuf> {
        match &self.components {
            Some(folder) => Ok(folder.clone()),
            None => beside_this("../guests/wasm32-wasip2/component"),
        }
    }
}

fn beside_this(path: &str) -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    Ok(program.parent().context("this program lies in no folder")?.join(path))
}

/// Measures one row.
pub(crate) async fn measure(row: RowName, settings: &Settings) -> Result<Row> {
    match row {
        RowName::Edge => noop::edge(settings).await,
        RowName::HttpNoop => noop::component(row, settings, "case-hello").await,
        RowName::HttpNoopFresh => noop::component(row, settings, "case-hello-fresh").await,
        RowName::BalanceRead => balance::on_sqlite(settings).await,
        RowName::BalanceReadPg => balance::on_postgresql(settings).await,
        RowName::TransferSingle | RowName::TransferHot => transfers::one_by_one(row, settings).await,
        RowName::TransferBatch => transfers::in_lists(settings).await,
        RowName::StatementGrowth => statement::growth(settings).await,
        RowName::ServiceCall => service_call::measure(settings).await,
        RowName::Swap => swap::measure(settings).await,
        RowName::ColdStart => cold_start::measure(settings).await,
    }
}
