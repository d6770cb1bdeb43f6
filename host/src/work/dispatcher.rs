//! One worker for each component and kind of work, and what they need around them.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use tokio::{
    task::{JoinHandle, JoinSet},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use super::{Kind, POLL, Queue, WorkMetrics, announce, worker::Worker};
use crate::{capabilities::database::sql::Dialect, registry::Registry};

/// How often the figures of what waits are brought up to date.
const MEASURE: Duration = Duration::from_secs(5);

/// Does deferred work on this host.
pub struct Dispatcher(JoinHandle<()>);

impl Dispatcher {
    /// Starts, with what is active now and whatever becomes active later. Ends when it is told to stop.
    #[must_use]
    pub fn start(queue: Queue, registry: Registry, metrics: WorkMetrics, stop: CancellationToken) -> Self {
        Self(tokio::spawn(dispatch(queue, registry, metrics, stop)))
    }

    /// Waits until what was under way has finished.
    pub async fn stopped(self) {
        // A panic of it was reported already.
        let _ = self.0.await;
    }
}

async fn dispatch(queue: Queue, registry: Registry, metrics: WorkMetrics, stop: CancellationToken) {
    match queue.release_own().await {
        Ok(0) => {}
        Ok(released) => {
            tracing::info!("{released} pieces of work were under way when this host last ended: they are done again")
        }
        Err(error) => {
            tracing::error!("work that this host left behind can't be released before its lease ends: {error}")
        }
    }
    // They end with this task.
    let mut around = JoinSet::new();
    around.spawn(measure(queue.clone(), metrics.clone()));
    if queue.database().dialect() == Dialect::Postgresql {
        around.spawn(announce::announce(queue.clone()));
        around.spawn(announce::listen(queue.clone()));
    }
    let mut bell = queue.0.due.listen();
    let mut workers = JoinSet::new();
    let mut known: BTreeSet<(Kind, Arc<str>)> = BTreeSet::new();
    while !stop.is_cancelled() {
        bell.heard();
        for (component, generation) in registry.table().active() {
            for kind in Kind::ALL {
                if generation.takes(kind) && known.insert((kind, Arc::clone(component))) {
                    let worker = Worker {
                        kind,
                        component: Arc::clone(component),
                        queue: queue.clone(),
                        registry: registry.clone(),
                        metrics: metrics.clone(),
                        stop: stop.clone(),
                    };
                    workers.spawn(worker.work());
                }
            }
        }
        tokio::select! {
            () = bell.rung() => {}
            () = sleep(POLL) => {}
            () = stop.cancelled() => {}
        }
    }
    while workers.join_next().await.is_some() {}
}

async fn measure(queue: Queue, metrics: WorkMetrics) {
    loop {
        if let Err(error) = metrics.measure(&queue).await {
            tracing::debug!("waiting work can't be counted: {error}");
        }
        sleep(MEASURE).await;
    }
}
