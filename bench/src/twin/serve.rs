//! How the twins are served.

use std::{
    io::Write,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
    sync::Arc,
    time::Duration,
};

use anyhow::Result;
use axum::{Router, serve::ListenerExt};
use datamp_host::{
    http::{self, EdgeSettings, Listening},
    telemetry::metrics::Metrics,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::process::LISTENING;

/// Any free port of loopback.
const LOOPBACK: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0));

/// Serves a router with axum alone.
pub(super) async fn bare(router: Router) -> Result<()> {
    let listener = TcpListener::bind(LOOPBACK).await?;
    announce(listener.local_addr()?)?;
    let listener = listener.tap_io(|stream| {
        // Without it an answer may wait 40 ms for the client's acknowledgement of the one before.
        let _ = stream.set_nodelay(true);
    });
    Ok(axum::serve(listener, router).await?)
}

/// Serves a router as the host serves its components: behind the same edge, by the same server.
pub(super) async fn behind_edge(router: Router) -> Result<()> {
    let listening = Listening::bind(LOOPBACK).await?;
    announce(listening.address())?;
    let (settings, metrics) = (Arc::new(EdgeSettings::default()), Metrics::default().edge());
    http::serve(listening, router, settings, metrics, CancellationToken::new(), Duration::ZERO).await;
    Ok(())
}

/// Says where it listens.
fn announce(address: SocketAddr) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{LISTENING}{address}")?;
    stdout.flush()?;
    Ok(())
}
