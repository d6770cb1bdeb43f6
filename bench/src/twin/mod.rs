//! The native twins: what the components do, in plain axum and sqlx, each in a process of its own.

pub(crate) mod balance;
mod echo;
mod noop;
mod serve;
mod transfers;

use std::net::SocketAddr;

/// Which twin.
#[derive(Clone, Debug, clap::Subcommand)]
pub(crate) enum TwinCommand {
    /// A handler that does nothing, in bare axum.
    Bare,
    /// The same behind the host's edge.
    Noop,
    /// Core's balance behind the host's edge.
    Balance(balance::BalanceOptions),
    /// Transfers on PostgreSQL behind the host's edge.
    Transfers(transfers::TransfersOptions),
    /// The callee of `service-call`: answers the records that it is sent.
    Echo,
    /// The caller of `service-call`.
    Caller {
        /// The callee.
        echo: SocketAddr,
    },
}

/// Serves until the process is ended.
pub(crate) fn main(command: TwinCommand) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match command {
            TwinCommand::Bare => serve::bare(noop::router()).await,
            TwinCommand::Noop => serve::behind_edge(noop::router()).await,
            TwinCommand::Balance(options) => serve::behind_edge(balance::router(options).await?).await,
            TwinCommand::Transfers(options) => serve::behind_edge(transfers::router(options).await?).await,
            TwinCommand::Echo => serve::bare(echo::router()).await,
            TwinCommand::Caller { echo } => serve::bare(echo::calling(echo)).await,
        }
    })
}
