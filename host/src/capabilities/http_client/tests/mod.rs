//! The client against servers in this process.

mod limits;
mod rules;
mod server;
mod tls;

use std::{
    collections::HashMap,
    io,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::future::BoxFuture;
use tokio::time::Instant;

use super::{host::exchange, *};
use crate::{
    bindings::platform::datamp::http::{
        client::{IncomingResponse, OutgoingRequest},
        types::Method,
    },
    telemetry::trace::TraceContext,
};

/// Names as a test wants them; it counts how often it was asked.
#[derive(Default)]
struct Names {
    addresses: HashMap<&'static str, Vec<IpAddr>>,
    asked: AtomicUsize,
}

impl Names {
    fn of(names: &[(&'static str, &[&str])]) -> Arc<Self> {
        let parse = |addresses: &[&str]| addresses.iter().map(|address| address.parse().unwrap()).collect();
        let addresses = names.iter().map(|(name, addresses)| (*name, parse(addresses))).collect();
        Arc::new(Self { addresses, asked: AtomicUsize::new(0) })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Resolve for Names {
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let found = self.addresses.get(name).cloned().ok_or_else(|| io::Error::other("no such name"));
        Box::pin(async move { found })
    }
}

/// A client that may call the loopback addresses named.
fn client(names: &Arc<Names>, loopback: &[&str]) -> Outbound {
    Outbound::new(OutboundSettings {
        allow_private_addresses: loopback.iter().map(|address| address.parse().unwrap()).collect(),
        additional_roots: Vec::new(),
        resolver: Arc::clone(names) as Arc<dyn Resolve>,
    })
    .unwrap()
}

fn get(url: impl Into<String>) -> OutgoingRequest {
    OutgoingRequest { method: Method::Get, url: url.into(), headers: Vec::new(), body: Vec::new(), timeout_ms: None }
}

async fn send(outbound: &Outbound, pattern: &str, request: OutgoingRequest) -> Result<IncomingResponse, SendError> {
    let hosts = AllowedHosts::parse([pattern]).unwrap();
    exchange(outbound, &hosts, TraceContext::generate(), soon(), request).await
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}
