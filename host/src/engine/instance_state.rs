//! What the host keeps for one instance of a component: the data of its wasmtime store.

use std::sync::{
    Arc, OnceLock, Weak,
    atomic::{AtomicBool, Ordering},
};

use tokio::time::Instant;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::{limits::MemoryLimits, output::GuestOutput};
use crate::{
    capabilities::{ComponentCapabilities, database::InstanceDatabase, http_client::WasiOutbound},
    manifest::Manifest,
    registry::Generation,
    telemetry::trace::TraceContext,
};

/// What all instances of one generation share.
pub struct ComponentContext {
    /// The component's name, shared cheaply.
    pub name: Arc<str>,
    /// The manifest of the deployed file.
    pub manifest: Manifest,
    /// The generation's number, counted up from 1 for each component.
    pub generation: u64,
    /// What it was granted, ready to use.
    pub capabilities: ComponentCapabilities,
    /// Set when draining took too long: whatever still runs is ended.
    pub killed: AtomicBool,
    /// The generation itself, for calls of its own functions: those stay with the code that makes them, also while it drains.
    pub own: OnceLock<Weak<Generation>>,
}

impl ComponentContext {
    /// Whether the generation's instances are to end now.
    #[must_use]
    pub fn is_killed(&self) -> bool {
        self.killed.load(Ordering::Relaxed)
    }
}

/// The request, or the call from another component, that an instance is working on.
#[derive(Clone)]
pub struct CallContext {
    /// The host's id of the request at the edge.
    pub request_id: Arc<str>,
    /// Where it stands in a distributed trace.
    pub trace: TraceContext,
    /// When it must be done. Nothing that the host does for the instance outlasts it.
    pub deadline: Instant,
    /// The components that are waiting for this call, the outermost first; this instance's own is not among them.
    pub callers: Vec<Arc<str>>,
}

impl CallContext {
    /// Of an instance that is made before there is a request for it.
    #[must_use]
    pub fn idle(deadline: Instant) -> Self {
        Self { request_id: "".into(), trace: TraceContext::generate(), deadline, callers: Vec::new() }
    }
}

/// The data of one instance's store.
pub struct InstanceState {
    /// What its generation shares.
    pub component: Arc<ComponentContext>,
    /// What it is working on now.
    pub call: CallContext,
    /// Its resources.
    pub table: ResourceTable,
    /// Its memory and tables, against the manifest's limit.
    pub limits: MemoryLimits,
    /// Its transaction, if one is open.
    pub database: InstanceDatabase,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outgoing: WasiOutbound,
}

impl InstanceState {
    /// The state of an instance that is about to be made for a call.
    #[must_use]
    pub fn new(component: Arc<ComponentContext>, call: CallContext) -> Self {
        // Clocks and random numbers come with a WASI context; files, sockets, arguments and the environment stay empty.
        let wasi = WasiCtx::builder()
            .stdout(GuestOutput::stdout(Arc::clone(&component)))
            .stderr(GuestOutput::stderr(Arc::clone(&component)))
            .build();
        Self {
            limits: MemoryLimits::new(component.manifest.limits.memory),
            outgoing: WasiOutbound::new(Arc::clone(&component), &call),
            component,
            call,
            table: ResourceTable::new(),
            database: InstanceDatabase::default(),
            wasi,
            http: WasiHttpCtx::new(),
        }
    }

    /// Turns to another call, in an instance that is used again.
    pub(super) fn begin(&mut self, call: CallContext) {
        // What the last call left open is rolled back: it may keep every writer of the host waiting.
        self.database.end();
        self.outgoing.begin(&call);
        self.call = call;
    }
}

impl WasiView for InstanceState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for InstanceState {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.outgoing }
    }
}
