//! One deployed file of a component, ready to run.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use wasmtime::component::Val;

use super::{InFlight, InFlightGuard};
use crate::{
    engine::{
        CallContext, CallError, ComponentContext,
        interface::{InterfaceKey, Interfaces},
        pool::{ExportId, InstancePool},
        standard::StandardHandler,
    },
    manifest::Manifest,
    telemetry::metrics::GenerationMetrics,
};

/// How a generation's code is run.
pub enum Runner {
    /// The typed handler, exports for other components, or both.
    Typed(InstancePool),
    /// Standard `wasi:http`.
    Standard(StandardHandler),
}

/// One deployed file of a component, ready to run.
pub struct Generation {
    context: Arc<ComponentContext>,
    runner: Runner,
    exports: Interfaces,
    export_ids: HashMap<InterfaceKey, HashMap<String, ExportId>>,
    links: Interfaces,
    in_flight: Arc<InFlight>,
    metrics: GenerationMetrics,
}

impl Generation {
    /// Puts together what the deployment pipeline made. `links` are the imports that other components provide.
    #[must_use]
    pub fn new(
        context: Arc<ComponentContext>,
        runner: Runner,
        exports: Interfaces,
        export_ids: HashMap<InterfaceKey, HashMap<String, ExportId>>,
        links: Interfaces,
        metrics: GenerationMetrics,
    ) -> Self {
        Self { context, runner, exports, export_ids, links, in_flight: Arc::default(), metrics }
    }

    /// The component's name.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.context.name
    }

    /// The generation's number.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.context.generation
    }

    /// The manifest of its file.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.context.manifest
    }

    /// What its instances share.
    #[must_use]
    pub fn context(&self) -> &Arc<ComponentContext> {
        &self.context
    }

    /// How long one call may take.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        self.context.manifest.limits.deadline
    }

    /// How it is run.
    #[must_use]
    pub fn runner(&self) -> &Runner {
        &self.runner
    }

    /// Its figures.
    #[must_use]
    pub fn metrics(&self) -> &GenerationMetrics {
        &self.metrics
    }

    /// The calls it is working on.
    #[must_use]
    pub fn in_flight(&self) -> &Arc<InFlight> {
        &self.in_flight
    }

    /// Counts a call as under way.
    #[must_use]
    pub fn enter(&self) -> InFlightGuard {
        self.in_flight.enter()
    }

    /// The interfaces it exports.
    #[must_use]
    pub fn exports(&self) -> &Interfaces {
        &self.exports
    }

    /// The interfaces it needs other components for, with the types that it needs.
    #[must_use]
    pub fn links(&self) -> &Interfaces {
        &self.links
    }

    /// Where an exported function is.
    #[must_use]
    pub fn export(&self, key: &InterfaceKey, function: &str) -> Option<ExportId> {
        self.export_ids.get(key)?.get(function).copied()
    }

    /// Calls an exported function for another component.
    ///
    /// # Errors
    /// Every way in which a component fails.
    pub async fn call(
        &self,
        call: CallContext,
        export: ExportId,
        parameters: &[Val],
        results: &mut [Val],
    ) -> Result<(), CallError> {
        let _guard = self.enter();
        match &self.runner {
            Runner::Typed(pool) => pool.call(call, export, parameters, results).await,
            Runner::Standard(_) => Err(CallError::NotStarted {
                component: Arc::clone(self.name()),
                reason: "a wasi:http component exports nothing to other components".to_owned(),
            }),
        }
    }

    /// Makes an instance, to see that it starts.
    ///
    /// # Errors
    /// Why it does not.
    pub async fn probe(&self, call: CallContext) -> Result<(), CallError> {
        match &self.runner {
            Runner::Typed(pool) => pool.probe(call).await,
            Runner::Standard(handler) => handler.probe(call).await,
        }
    }

    /// Ends whatever still runs. New calls are no longer routed here by then.
    pub fn kill(&self) {
        self.context.killed.store(true, Ordering::Relaxed);
        self.clear();
    }

    /// Drops the instances that wait for work.
    pub fn clear(&self) {
        if let Runner::Typed(pool) = &self.runner {
            pool.clear();
        }
    }
}
