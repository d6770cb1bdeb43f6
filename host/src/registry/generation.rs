//! One deployed file of a component, ready to run.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use wasmtime::component::Val;

use super::{InFlight, InFlightGuard, merge::Merger};
use crate::{
    bindings::{job, operator, subscriber},
    engine::{
        CallContext, CallError, ComponentContext,
        interface::{InterfaceKey, Interfaces},
        pool::{ExportId, InstancePool},
        standard::StandardHandler,
    },
    manifest::{Manifest, Merge},
    telemetry::{merging::MergeMetrics, metrics::GenerationMetrics},
    work::Kind,
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
    mergers: HashMap<ExportId, Arc<Merger>>,
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
        merging: &MergeMetrics,
    ) -> Self {
        let merger = |merge: &Merge| {
            let id = export_ids.iter().find(|(key, _)| key.name() == merge.interface())?.1.get(merge.function())?;
            let figures = merging.of(&context.name, &merge.function);
            Some((*id, Arc::new(Merger::new(merge.clone(), figures))))
        };
        let mergers = context.manifest.merge.iter().filter_map(merger).collect();
        Self { context, runner, exports, export_ids, links, mergers, in_flight: Arc::default(), metrics }
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

    /// Whether calls of an exported function are merged.
    #[must_use]
    pub fn merges(&self, export: ExportId) -> bool {
        self.mergers.contains_key(&export)
    }

    /// Calls an exported function for another component, or for the component itself where calls of it are merged.
    ///
    /// # Errors
    /// Every way in which a component fails.
    pub async fn call(
        self: &Arc<Self>,
        call: CallContext,
        export: ExportId,
        parameters: &[Val],
        results: &mut [Val],
    ) -> Result<(), CallError> {
        let _guard = self.enter();
        match self.mergers.get(&export) {
            Some(merger) => merger.call(self, export, call, parameters, results).await,
            None => self.pool()?.call(call, export, parameters, results).await,
        }
    }

    /// Makes a merged call. Whoever waits for it may be this component itself, with all of the instances that it may have: so it
    /// is not counted among them. The merger bounds how many there are.
    pub(super) async fn call_merged(
        &self,
        call: CallContext,
        export: ExportId,
        parameters: &[Val],
        results: &mut [Val],
    ) -> Result<(), CallError> {
        self.pool()?.call_uncounted(call, export, parameters, results).await
    }

    fn pool(&self) -> Result<&InstancePool, CallError> {
        match &self.runner {
            Runner::Typed(pool) => Ok(pool),
            Runner::Standard(_) => Err(CallError::NotStarted {
                component: Arc::clone(self.name()),
                reason: "a wasi:http component exports nothing to other components".to_owned(),
            }),
        }
    }

    /// Whether it does deferred work of a kind.
    #[must_use]
    pub fn takes(&self, kind: Kind) -> bool {
        self.pool().is_ok_and(|pool| match kind {
            Kind::Event => pool.serves().events,
            Kind::Job => pool.serves().jobs,
        })
    }

    /// Hands events over.
    ///
    /// # Errors
    /// Every way in which a component fails.
    pub async fn deliver(
        &self,
        call: CallContext,
        events: &[subscriber::Event],
    ) -> Result<Vec<subscriber::Outcome>, CallError> {
        let _guard = self.enter();
        self.pool()?.deliver(call, events).await
    }

    /// Does one run of a job.
    ///
    /// # Errors
    /// Every way in which a component fails.
    pub async fn run_job(&self, call: CallContext, task: &job::Task) -> Result<job::Outcome, CallError> {
        let _guard = self.enter();
        self.pool()?.run_job(call, task).await
    }

    /// Whether it has commands for operators.
    #[must_use]
    pub fn has_commands(&self) -> bool {
        self.pool().is_ok_and(|pool| pool.serves().commands)
    }

    /// Tells which commands it has.
    ///
    /// # Errors
    /// Every way in which a component fails.
    pub async fn commands(&self, call: CallContext) -> Result<Vec<operator::Command>, CallError> {
        let _guard = self.enter();
        self.pool()?.commands(call).await
    }

    /// Does one step of a command.
    ///
    /// # Errors
    /// Every way in which a component fails.
    pub async fn step(
        &self,
        call: CallContext,
        command: &operator::Call,
    ) -> Result<Result<operator::Step, operator::CommandError>, CallError> {
        let _guard = self.enter();
        self.pool()?.step(call, command).await
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
