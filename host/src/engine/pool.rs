//! The instances of one generation that exports functions: made when needed, used by one call at a time, and used again up to
//! the manifest's limit.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::Instant,
};
use wasmtime::{
    PoolConcurrencyLimitError, Store, UpdateDeadline,
    component::{ComponentExportIndex, Func, Instance, InstancePre, Val},
};

use super::{
    CallContext, CallError, ComponentContext, InstanceState,
    error::Interrupted,
    typed::{Serves, TypedExports, TypedInstance},
};
use crate::{
    bindings::{job, operator, platform::exports::datamp::http::handler, subscriber},
    timers::Timers,
};

/// A function that a component exports, by its place in [`InstancePool::new`]'s list.
pub type ExportId = usize;

/// The instances of one generation.
pub struct InstancePool {
    pre: InstancePre<InstanceState>,
    typed: TypedExports,
    exports: Vec<ComponentExportIndex>,
    context: Arc<ComponentContext>,
    idle: Mutex<Vec<PooledInstance>>,
    permits: Semaphore,
    waiting: AtomicU32,
    timers: Timers,
}

struct PooledInstance {
    store: Store<InstanceState>,
    instance: Instance,
    typed: TypedInstance,
    exports: HashMap<ExportId, Func>,
    calls: u64,
}

impl InstancePool {
    /// A pool with no instance in it yet. `serves` says which typed exports the component has.
    ///
    /// # Errors
    /// When the type of one isn't that of the contract.
    pub fn new(
        pre: InstancePre<InstanceState>,
        serves: Serves,
        exports: Vec<ComponentExportIndex>,
        context: Arc<ComponentContext>,
    ) -> wasmtime::Result<Self> {
        let typed = TypedExports::find(&pre, serves)?;
        let concurrency = usize::try_from(context.manifest.limits.concurrency.get())?;
        Ok(Self {
            pre,
            typed,
            exports,
            context,
            idle: Mutex::default(),
            permits: Semaphore::new(concurrency),
            waiting: AtomicU32::new(0),
            timers: Timers::default(),
        })
    }

    /// Which typed exports there are: whether requests, events, runs of jobs and commands can be sent here.
    #[must_use]
    pub const fn serves(&self) -> Serves {
        self.typed.serves()
    }

    /// Answers one HTTP request.
    ///
    /// # Errors
    /// Every way in which a component fails; the instance is not used again.
    pub async fn handle(&self, call: CallContext, request: &handler::Request) -> Result<handler::Response, CallError> {
        let _permit = self.permit(call.deadline).await?;
        self.run(call, async |pooled| {
            let Some(platform) = &pooled.typed.http else {
                return Err(wasmtime::Error::msg("the component exports no handler"));
            };
            platform.datamp_http_handler().call_handle(&mut pooled.store, request).await
        })
        .await
    }

    /// Hands events over.
    ///
    /// # Errors
    /// Every way in which a component fails; the instance is not used again.
    pub async fn deliver(
        &self,
        call: CallContext,
        events: &[subscriber::Event],
    ) -> Result<Vec<subscriber::Outcome>, CallError> {
        let _permit = self.permit(call.deadline).await?;
        self.run(call, async |pooled| {
            let Some(typed) = &pooled.typed.events else {
                return Err(wasmtime::Error::msg("the component exports no subscriber"));
            };
            typed.datamp_messaging_subscriber().call_handle(&mut pooled.store, events).await
        })
        .await
    }

    /// Does one run of a job.
    ///
    /// # Errors
    /// Every way in which a component fails; the instance is not used again.
    pub async fn run_job(&self, call: CallContext, task: &job::Task) -> Result<job::Outcome, CallError> {
        let _permit = self.permit(call.deadline).await?;
        self.run(call, async |pooled| {
            let Some(typed) = &pooled.typed.jobs else {
                return Err(wasmtime::Error::msg("the component exports no job"));
            };
            typed.datamp_jobs_job().call_run(&mut pooled.store, task).await
        })
        .await
    }

    /// Tells which commands there are for operators.
    ///
    /// # Errors
    /// Every way in which a component fails; the instance is not used again.
    pub async fn commands(&self, call: CallContext) -> Result<Vec<operator::Command>, CallError> {
        let _permit = self.permit(call.deadline).await?;
        self.run(call, async |pooled| {
            let Some(typed) = &pooled.typed.commands else { return Err(without_commands()) };
            typed.datamp_operator_commands().call_describe(&mut pooled.store).await
        })
        .await
    }

    /// Does one step of a command.
    ///
    /// # Errors
    /// Every way in which a component fails; the instance is not used again.
    pub async fn step(
        &self,
        call: CallContext,
        command: &operator::Call,
    ) -> Result<Result<operator::Step, operator::CommandError>, CallError> {
        let _permit = self.permit(call.deadline).await?;
        self.run(call, async |pooled| {
            let Some(typed) = &pooled.typed.commands else { return Err(without_commands()) };
            typed.datamp_operator_commands().call_advance(&mut pooled.store, command).await
        })
        .await
    }

    /// Calls one exported function for another component.
    ///
    /// # Errors
    /// Every way in which a component fails; the instance is not used again.
    pub async fn call(
        &self,
        call: CallContext,
        export: ExportId,
        parameters: &[Val],
        results: &mut [Val],
    ) -> Result<(), CallError> {
        let _permit = self.permit(call.deadline).await?;
        self.call_uncounted(call, export, parameters, results).await
    }

    /// The same beyond the limit of concurrency: whoever calls bounds it.
    ///
    /// # Errors
    /// Every way in which a component fails; the instance is not used again.
    pub async fn call_uncounted(
        &self,
        call: CallContext,
        export: ExportId,
        parameters: &[Val],
        results: &mut [Val],
    ) -> Result<(), CallError> {
        self.run(call, async |pooled| {
            let func = match pooled.exports.get(&export) {
                Some(func) => *func,
                None => {
                    let func = self
                        .exports
                        .get(export)
                        .and_then(|index| pooled.instance.get_func(&mut pooled.store, index))
                        .ok_or_else(|| wasmtime::Error::msg("the component lacks a function that it exported"))?;
                    pooled.exports.insert(export, func);
                    func
                }
            };
            func.call_async(&mut pooled.store, parameters, results).await
        })
        .await
    }

    /// Makes one instance and keeps it: shows that the component starts, and spares the first request the wait.
    ///
    /// # Errors
    /// When it can't be made.
    pub async fn probe(&self, call: CallContext) -> Result<(), CallError> {
        let deadline = call.deadline;
        let instance = self.timers.within(deadline, self.instantiate(call)).await.map_err(|_| self.too_late())??;
        self.put_back(instance);
        Ok(())
    }

    /// Drops the instances that wait for work.
    pub fn clear(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    async fn run<T>(
        &self,
        call: CallContext,
        work: impl AsyncFnOnce(&mut PooledInstance) -> wasmtime::Result<T>,
    ) -> Result<T, CallError> {
        let deadline = call.deadline;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut pooled = match idle {
            Some(mut pooled) => {
                pooled.store.data_mut().begin(call);
                // 1 and not 0: at 0 every call would begin with a trip through the callback (wasmtime#13839).
                pooled.store.set_epoch_deadline(1);
                pooled
            }
            None => self.timers.within(deadline, self.instantiate(call)).await.map_err(|_| self.too_late())??,
        };
        pooled.calls += 1;
        // The epoch ends a guest that computes; this timeout ends one that waits for the host.
        let result = self.timers.within(deadline, work(&mut pooled)).await;
        match result {
            Ok(Ok(answer)) => {
                self.put_back(pooled);
                Ok(answer)
            }
            Ok(Err(error)) => {
                let failure = CallError::of(&error, pooled.store.data());
                tracing::debug!(component = %self.context.name, "{error:?}");
                Err(failure)
            }
            Err(_) => Err(CallError::deadline(pooled.store.data())),
        }
    }

    async fn permit(&self, deadline: Instant) -> Result<SemaphorePermit<'_>, CallError> {
        if let Ok(permit) = self.permits.try_acquire() {
            return Ok(permit);
        }
        let _place = Place::take(&self.waiting, self.context.manifest.limits.queue).ok_or_else(|| self.saturated())?;
        match self.timers.within(deadline, self.permits.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_closed)) => Err(CallError::Killed { component: Arc::clone(&self.context.name) }),
            Err(_) => Err(self.saturated()),
        }
    }

    async fn instantiate(&self, call: CallContext) -> Result<PooledInstance, CallError> {
        let mut store = new_store(self.pre.engine(), Arc::clone(&self.context), call);
        let instance = match self.pre.instantiate_async(&mut store).await {
            Ok(instance) => instance,
            Err(error) => return Err(self.not_started(&error, store.data())),
        };
        let typed = self.typed.load(&mut store, &instance);
        let typed = typed.map_err(|error| self.not_started(&error, store.data()))?;
        Ok(PooledInstance { store, instance, typed, exports: HashMap::new(), calls: 0 })
    }

    fn put_back(&self, pooled: PooledInstance) {
        let state = pooled.store.data();
        let reusable = pooled.calls < self.context.manifest.limits.reuse.get()
            // A guest that left a transaction open has lost track of itself.
            && !state.database.in_transaction()
            && !self.context.is_killed();
        if reusable {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(pooled);
        }
    }

    fn not_started(&self, error: &wasmtime::Error, state: &InstanceState) -> CallError {
        if error.is::<PoolConcurrencyLimitError>() {
            return self.saturated();
        }
        match CallError::of(error, state) {
            CallError::Trapped { component, reason } => CallError::NotStarted { component, reason },
            other => other,
        }
    }

    fn saturated(&self) -> CallError {
        CallError::Saturated { component: Arc::clone(&self.context.name) }
    }

    fn too_late(&self) -> CallError {
        CallError::Deadline { component: Arc::clone(&self.context.name), limit: self.context.manifest.limits.deadline }
    }
}

fn without_commands() -> wasmtime::Error {
    wasmtime::Error::msg("the component exports no commands")
}

/// A store for one instance, with its limits armed.
pub(super) fn new_store(
    engine: &wasmtime::Engine,
    context: Arc<ComponentContext>,
    call: CallContext,
) -> Store<InstanceState> {
    let mut store = Store::new(engine, InstanceState::new(context, call));
    store.limiter(|state| &mut state.limits);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|store| {
        let state = store.data();
        if state.component.is_killed() {
            Err(Interrupted::Killed.into())
        } else if Instant::now() >= state.call.deadline {
            Err(Interrupted::Deadline.into())
        } else {
            Ok(UpdateDeadline::Yield(1))
        }
    });
    store
}

/// A place in a bounded queue, given back when dropped.
pub(super) struct Place<'a>(&'a AtomicU32);

impl<'a> Place<'a> {
    pub(super) fn take(waiting: &'a AtomicU32, limit: u32) -> Option<Self> {
        waiting
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |waiting| (waiting < limit).then(|| waiting + 1))
            .ok()
            .map(|_| Self(waiting))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_has_as_many_places_as_its_limit_and_gives_them_back() {
        let waiting = AtomicU32::new(0);
        let first = Place::take(&waiting, 2);
        let second = Place::take(&waiting, 2);
        assert!(first.is_some() && second.is_some());
        assert!(Place::take(&waiting, 2).is_none());
        drop(first);
        assert!(Place::take(&waiting, 2).is_some());
        assert!(Place::take(&AtomicU32::new(0), 0).is_none());
    }
}
