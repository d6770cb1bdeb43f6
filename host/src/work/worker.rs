//! The worker of one component's work of one kind, on this host.

use std::{sync::Arc, time::Duration};

use tokio::{
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{
    Kind, POLL, Queue, WorkMetrics,
    claim::Item,
    retry::Policy,
    run::{lease, run},
    settle::Outcome,
};
use crate::registry::{Generation, Registry};

/// How long to wait where the database fails, or where others hold what is due.
const PAUSE: Duration = Duration::from_millis(200);

/// The least time between two looks in vain: where much is added, for whichever component, a worker looks a hundred times a second and
/// not after each commit.
const BETWEEN: Duration = Duration::from_millis(10);

pub(super) struct Worker {
    pub(super) kind: Kind,
    pub(super) component: Arc<str>,
    pub(super) queue: Queue,
    pub(super) registry: Registry,
    pub(super) metrics: WorkMetrics,
    pub(super) stop: CancellationToken,
}

/// What there is to do.
enum Step {
    Work(Vec<Item>),
    Wait(Duration),
}

impl Worker {
    /// Works until it is told to stop; what is under way then is finished first.
    pub(super) async fn work(self) {
        let mut bell = self.queue.0.due.listen();
        let mut running = JoinSet::new();
        while !self.stop.is_cancelled() {
            let looked = Instant::now();
            // Whatever rings from here on leads to another look.
            bell.heard();
            let wait = match self.active() {
                None => POLL,
                Some(generation) => {
                    let policy = Policy::of(self.kind, generation.manifest());
                    if running.len() >= policy.concurrency {
                        tokio::select! {
                            _ = running.join_next() => {}
                            () = self.stop.cancelled() => {}
                        }
                        continue;
                    }
                    match self.step(&generation, &policy).await {
                        Ok(Step::Work(items)) => {
                            // A swap may have come in between, and the one before drained: what was claimed is the new one's.
                            let generation = self.active().unwrap_or(generation);
                            let guard = generation.enter();
                            let (queue, metrics) = (self.queue.clone(), self.metrics.clone());
                            let call = call(queue, self.kind, generation, items, policy, metrics);
                            running.spawn(async move {
                                call.await;
                                drop(guard);
                            });
                            continue;
                        }
                        Ok(Step::Wait(wait)) => wait.min(POLL),
                        Err(error) => {
                            tracing::error!(
                                "work for {} ({}) can't be claimed: {error}",
                                self.component,
                                self.kind.as_str()
                            );
                            PAUSE
                        }
                    }
                }
            };
            tokio::select! {
                () = bell.rung() => sleep_until(looked + BETWEEN).await,
                () = sleep(wait) => {}
                // A schedule rests until its run is done.
                Some(_) = running.join_next() => {}
                () = self.stop.cancelled() => {}
            }
        }
        while running.join_next().await.is_some() {}
    }

    fn active(&self) -> Option<Arc<Generation>> {
        let table = self.registry.table();
        table.active().get(&self.component).filter(|generation| generation.takes(self.kind)).cloned()
    }

    async fn step(&self, generation: &Arc<Generation>, policy: &Policy) -> Result<Step, sqlx::Error> {
        let (component, kind) = (self.component.as_ref(), self.kind);
        let scheduled = match kind {
            Kind::Job => self.queue.tick(component).await?.unwrap_or(POLL),
            Kind::Event => POLL,
        };
        let Some(next) = self.queue.next(kind, component).await? else { return Ok(Step::Wait(scheduled)) };
        if !next.wait.is_zero() {
            return Ok(Step::Wait(next.wait.min(scheduled)));
        }
        let items = self.queue.claim(kind, component, next.again, policy.batch, lease(generation)).await?;
        // Another host was quicker, or is about to be.
        Ok(if items.is_empty() { Step::Wait(PAUSE.min(scheduled)) } else { Step::Work(items) })
    }
}

/// Calls the component for claimed work, and writes down what came of it.
async fn call(
    queue: Queue,
    kind: Kind,
    generation: Arc<Generation>,
    items: Vec<Item>,
    policy: Policy,
    metrics: WorkMetrics,
) {
    let outcomes = match items.as_slice() {
        // Claimed once too often: nobody was left to settle the last attempt.
        [item] if item.attempts > policy.attempts => {
            vec![Outcome::Reject(format!("{} attempts ended without an answer", policy.attempts))]
        }
        items => run(kind, &generation, items).await,
    };
    let outcomes: Vec<_> = items.into_iter().zip(outcomes).collect();
    match queue.settle(kind, &outcomes, &policy).await {
        Ok(tally) => metrics.count(kind, generation.name(), &tally),
        // Once the lease has ended, it is done again.
        Err(error) => tracing::error!("what came of work for {} can't be written down: {error}", generation.name()),
    }
}
