//! Components that export standard `wasi:http`, 0.2 or 0.3, served through wasmtime's own `ProxyHandler`.
//!
//! An instance takes one request at a time here too, so that a trap ends one request alone. What `ProxyHandler` leaves
//! to its host is here: bounds on the requests that wait and on those at work, and the deadline. An instance works on
//! for a client that has gone, so what bounds and counts requests is held by the request, and not by who waits for it.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicU32},
    task::{Context, Poll},
    time::{Duration, Instant as StdInstant},
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    time::{Instant, Sleep, sleep_until, timeout, timeout_at},
};
use wasmtime::{Store, StoreContextMut, component::GuestTaskId};
use wasmtime_wasi_http::{
    WasiHttpView,
    handler::{
        ExpirationError, HandlerState, Instance, ProxyHandler, ProxyPre, Request, Response, ShouldAccept,
        TrapOrPanicError, WorkerExpiration, WorkerState, WorkerStatus,
    },
};

use super::{
    CallContext, CallError, ComponentContext, InstanceState,
    pool::{Place, new_store},
};
use crate::{registry::InFlightGuard, timers::Timers};

/// How long an instance waits for another request, or works on after its answer, before it is dropped.
const IDLE: Duration = Duration::from_secs(30);

/// How long to wait for a failed worker to tell why it failed.
const REASON: Duration = Duration::from_millis(200);

/// Serves `wasi:http` for one generation.
pub struct StandardHandler {
    proxy: ProxyHandler<Workers>,
    context: Arc<ComponentContext>,
    permits: Arc<Semaphore>,
    waiting: AtomicU32,
    timers: Timers,
}

/// An answer, and what tells that its body has been sent.
pub struct StandardResponse {
    /// The answer.
    pub response: Response,
    /// To be dropped with the answer's body. Until then, or until its deadline, the request counts as under way.
    pub sent: oneshot::Sender<()>,
}

/// What a request holds while anything is done for it: its share of the concurrency, and its place in the count of
/// those that are under way, which a swap waits for.
struct Hold {
    _permit: OwnedSemaphorePermit,
    _guard: InFlightGuard,
}

impl Hold {
    /// Lets go when the sender is dropped, and at the deadline at the latest: nobody polls a body while its client does
    /// not read, so the body itself would not notice.
    fn until_sent(self: Arc<Self>, timers: &Timers, deadline: Instant) -> oneshot::Sender<()> {
        let (sent, gone) = oneshot::channel();
        let gone = timers.within(deadline, gone);
        tokio::spawn(async move {
            let _ = gone.await;
            drop(self);
        });
        sent
    }
}

impl StandardHandler {
    /// Nothing is instantiated yet.
    #[must_use]
    pub fn new(pre: ProxyPre<InstanceState>, context: Arc<ComponentContext>) -> Self {
        let concurrency = usize::try_from(context.manifest.limits.concurrency.get()).unwrap_or(usize::MAX);
        Self {
            permits: Arc::new(Semaphore::new(concurrency)),
            proxy: ProxyHandler::new(Workers { pre, context: Arc::clone(&context) }),
            context,
            waiting: AtomicU32::new(0),
            timers: Timers::default(),
        }
    }

    /// Answers one HTTP request, as soon as the answer's head is there. `guard` counts it as under way.
    ///
    /// # Errors
    /// Every way in which a component fails before it answers.
    pub async fn handle(
        &self,
        call: CallContext,
        request: Request,
        guard: InFlightGuard,
    ) -> Result<StandardResponse, CallError> {
        let deadline = call.deadline;
        let hold = Arc::new(Hold { _permit: self.permit(deadline).await?, _guard: guard });
        let (reason, failed) = oneshot::channel();
        let data = RequestData { call, reason, hold: Arc::clone(&hold) };
        let error = match timeout_at(deadline + REASON, self.proxy.handle(data, request)).await {
            Ok(Ok(response)) => {
                return Ok(StandardResponse { response, sent: hold.until_sent(&self.timers, deadline) });
            }
            Ok(Err(error)) => error,
            Err(_) => return Err(self.too_late()),
        };
        if error.is::<ExpirationError>() {
            return Err(self.too_late());
        }
        if error.is::<TrapOrPanicError>() {
            // The worker drops the request before it hands in why it ended.
            if let Ok(Ok(reason)) = timeout(REASON, failed).await {
                return Err(reason);
            }
        }
        if Instant::now() >= deadline {
            return Err(self.too_late());
        }
        Err(CallError::Trapped { component: Arc::clone(&self.context.name), reason: error.root_cause().to_string() })
    }

    /// Makes one instance and drops it, which shows that the component starts.
    ///
    /// # Errors
    /// When it can't be made.
    pub async fn probe(&self, call: CallContext) -> Result<(), CallError> {
        let workers = self.proxy.state();
        let deadline = call.deadline;
        let mut store = new_store(workers.engine(), Arc::clone(&self.context), call);
        match timeout_at(deadline, workers.pre.instantiate_async(&mut store)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(CallError::of(&error, store.data())),
            Err(_) => Err(self.too_late()),
        }
    }

    async fn permit(&self, deadline: Instant) -> Result<OwnedSemaphorePermit, CallError> {
        if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            return Ok(permit);
        }
        let saturated = || CallError::Saturated { component: Arc::clone(&self.context.name) };
        let _place = Place::take(&self.waiting, self.context.manifest.limits.queue).ok_or_else(saturated)?;
        match timeout_at(deadline, Arc::clone(&self.permits).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err(saturated()),
        }
    }

    fn too_late(&self) -> CallError {
        CallError::Deadline { component: Arc::clone(&self.context.name), limit: self.context.manifest.limits.deadline }
    }
}

/// What travels with a request into the worker that takes it.
struct RequestData {
    call: CallContext,
    reason: oneshot::Sender<CallError>,
    hold: Arc<Hold>,
}

struct Workers {
    pre: ProxyPre<InstanceState>,
    context: Arc<ComponentContext>,
}

impl Workers {
    fn engine(&self) -> &wasmtime::Engine {
        match &self.pre {
            ProxyPre::P2(pre) => pre.engine(),
            ProxyPre::P3(pre) => pre.engine(),
        }
    }
}

impl HandlerState for Workers {
    type StoreData = InstanceState;
    type WorkerExpiration = Expiration;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<InstanceState, Expiration, Worker>> {
        let limits = &self.context.manifest.limits;
        let call = CallContext::idle(Instant::now() + limits.deadline);
        let mut store = new_store(self.engine(), Arc::clone(&self.context), call);
        let proxy = match timeout(limits.deadline, self.pre.instantiate_async(&mut store)).await {
            Ok(proxy) => proxy?,
            Err(_) => return Err(CallError::deadline(store.data()).into()),
        };
        Ok(Instance {
            store,
            proxy,
            view: |state| state.http(),
            expiration: Expiration { limit: limits.deadline, timer: None, context: Arc::clone(&self.context) },
            state: Worker { reuse: limits.reuse.get(), failed: Mutex::default() },
        })
    }
}

/// Ends a worker whose request has run out of time, or that nobody needs.
struct Expiration {
    limit: Duration,
    timer: Option<(StdInstant, Pin<Box<Sleep>>)>,
    context: Arc<ComponentContext>,
}

impl WorkerExpiration for Expiration {
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>, status: WorkerStatus, start: StdInstant) -> Poll<()> {
        if self.context.is_killed() {
            return Poll::Ready(());
        }
        let limit = match status {
            WorkerStatus::Requests | WorkerStatus::PostReturn => self.limit,
            WorkerStatus::Idle => IDLE,
        };
        let end = start + limit;
        if self.timer.as_ref().is_none_or(|(set, _)| *set != end) {
            self.timer = Some((end, Box::pin(sleep_until(end.into()))));
        }
        match &mut self.timer {
            Some((_, timer)) => timer.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}

/// What is remembered for one instance.
struct Worker {
    reuse: u64,
    failed: Mutex<Option<oneshot::Sender<CallError>>>,
}

impl WorkerState for Worker {
    type StoreData = InstanceState;
    type RequestData = RequestData;

    fn should_accept_request(&self, concurrent_count: usize, total_count: usize) -> ShouldAccept {
        if u64::try_from(total_count).unwrap_or(u64::MAX) >= self.reuse {
            ShouldAccept::Never
        } else if concurrent_count > 0 {
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    fn on_request_start(
        &self,
        mut store: StoreContextMut<'_, InstanceState>,
        data: RequestData,
        _task: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + 'static + Send + Sync>> {
        let RequestData { call, reason, hold } = data;
        let deadline = call.deadline;
        store.data_mut().begin(call);
        store.set_epoch_deadline(1);
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
        Box::pin(async move {
            // This future lives until the answer or the deadline, also where nobody waits for the answer any more.
            let _held = hold;
            sleep_until(deadline).await;
        })
    }

    fn drop(&self, store: Store<InstanceState>, result: Result<(), wasmtime::Error>) {
        let reason = self.failed.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Err(error) = result {
            tracing::debug!(component = %store.data().component.name, "{error:?}");
            if let Some(reason) = reason {
                // Nobody waits for it where the request had its answer.
                let _ = reason.send(CallError::of(&error, store.data()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::InFlight;

    const SOON: Duration = Duration::from_secs(60);

    fn hold(in_flight: &Arc<InFlight>, permits: &Arc<Semaphore>) -> Arc<Hold> {
        let permit = Arc::clone(permits).try_acquire_owned().unwrap();
        Arc::new(Hold { _permit: permit, _guard: in_flight.enter() })
    }

    #[tokio::test]
    async fn a_request_is_let_go_of_at_its_deadline_though_its_answer_is_not_sent() {
        let (in_flight, permits, timers) = (Arc::default(), Arc::new(Semaphore::new(1)), Timers::default());
        let deadline = Instant::now() + Duration::from_millis(20);
        let sent = hold(&in_flight, &permits).until_sent(&timers, deadline);
        timeout(SOON, in_flight.drained()).await.unwrap();
        assert!(Instant::now() >= deadline);
        assert_eq!(permits.available_permits(), 1);
        drop(sent);
    }

    #[tokio::test]
    async fn a_request_is_let_go_of_once_its_answer_is_sent_and_nothing_else_is_done_for_it() {
        let (in_flight, permits, timers) = (Arc::default(), Arc::new(Semaphore::new(1)), Timers::default());
        let of_the_instance = hold(&in_flight, &permits);
        let sent = Arc::clone(&of_the_instance).until_sent(&timers, Instant::now() + 2 * SOON);
        drop(sent);
        tokio::task::yield_now().await;
        assert_eq!((in_flight.count(), permits.available_permits()), (1, 0));
        drop(of_the_instance);
        timeout(SOON, in_flight.drained()).await.unwrap();
        assert_eq!(permits.available_permits(), 1);
    }
}
