//! A small pool of connections, for one component's use of one database.
//!
//! Why not sqlx's own: that one asks the server whether a connection still works each time one is taken *and* each time one
//! comes back, and does the latter on a task of its own. Here the state of a connection is known when it comes back: either the
//! last statement on it ran to its end, and it goes straight onto the pile, or it did not, and it is closed. A statement then
//! costs one round trip and no task. The last one used is the first one taken, so that its prepared statements stay warm.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

use super::sql::Error;

/// A connection that has idled for this long is asked whether it still works before it is used.
const DOUBTFUL_AFTER: Duration = Duration::from_secs(15);

/// A connection that has idled for this long is closed.
const CLOSED_AFTER: Duration = Duration::from_secs(600);

/// How long a rollback or a farewell may take before the connection is simply dropped.
const FAREWELL: Duration = Duration::from_secs(5);

/// How connections of a pool are made, checked and ended.
pub(super) trait Connector: Send + Sync + 'static {
    /// A connection.
    type Connection: Send + 'static;

    /// Opens one.
    fn connect(&self) -> impl Future<Output = Result<Self::Connection, Error>> + Send;

    /// Whether one that has idled for long still works.
    fn works(&self, connection: &mut Self::Connection) -> impl Future<Output = bool> + Send;

    /// Whether what one has learnt of the database still holds. One that fails this is closed.
    fn is_current(&self, connection: &Self::Connection) -> bool;

    /// Rolls back the transaction that is open on one. `false` where that failed.
    fn roll_back(connection: &mut Self::Connection) -> impl Future<Output = bool> + Send;

    /// Ends one that something may still run on. Its place in the pool is free once this is done.
    fn end(connection: Self::Connection) -> impl Future<Output = ()> + Send;

    /// Ends one in good order.
    fn close(connection: Self::Connection) -> impl Future<Output = ()> + Send;
}

struct Idle<T> {
    connection: T,
    since: Instant,
}

struct Inner<C: Connector> {
    connector: C,
    permits: Arc<Semaphore>,
    /// The longest idle first.
    idle: Mutex<Vec<Idle<C::Connection>>>,
    /// Drops happen anywhere; what they begin runs here.
    runtime: Handle,
}

/// A pool.
pub(super) struct Pool<C: Connector>(Arc<Inner<C>>);

impl<C: Connector> Clone for Pool<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C: Connector> Pool<C> {
    /// A pool of at most `size` connections, none of them open yet. Called within a tokio runtime.
    pub(super) fn new(connector: C, size: usize) -> Self {
        Self(Arc::new(Inner {
            connector,
            permits: Arc::new(Semaphore::new(size)),
            idle: Mutex::new(Vec::with_capacity(size)),
            runtime: Handle::current(),
        }))
    }

    /// A connection of one's own until the lease is dropped. Whoever asks bounds the wait.
    ///
    /// # Errors
    /// `unavailable` where none can be opened.
    pub(super) async fn lease(&self) -> Result<Lease<C>, Error> {
        let closed = |_| Error::Unavailable("the connections are closed".to_owned());
        // Without a wait in the usual case: an acquisition that may wait costs more than one that does not.
        let permit = match Arc::clone(&self.0.permits).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => Arc::clone(&self.0.permits).acquire_owned().await.map_err(closed)?,
        };
        let now = Instant::now();
        loop {
            let (idle, stale) = {
                let mut pile = self.0.idle.lock();
                let stale =
                    pile.first().is_some_and(|oldest| now - oldest.since > CLOSED_AFTER).then(|| pile.remove(0));
                (pile.pop(), stale)
            };
            if let Some(stale) = stale {
                self.0.runtime.spawn(C::close(stale.connection));
            }
            let (connection, reused) = match idle {
                Some(idle) if !self.0.connector.is_current(&idle.connection) => {
                    self.0.runtime.spawn(C::close(idle.connection));
                    continue;
                }
                None => (self.0.connector.connect().await?, false),
                Some(Idle { connection, since }) if now - since < DOUBTFUL_AFTER => (connection, true),
                Some(Idle { mut connection, .. }) => {
                    if !self.0.connector.works(&mut connection).await {
                        continue;
                    }
                    (connection, true)
                }
            };
            let pool = Arc::clone(&self.0);
            return Ok(Lease { connection: Some(connection), reused, settled: true, pool, permit: Some(permit) });
        }
    }

    /// Closes what idles: the server ended one connection, so the others are probably dead too.
    pub(super) fn clear(&self) {
        self.0.idle.lock().clear();
    }

    /// How many more can be taken without a wait.
    #[cfg(test)]
    pub(super) fn free(&self) -> usize {
        self.0.permits.available_permits()
    }
}

impl<C: Connector> Drop for Inner<C> {
    fn drop(&mut self) {
        for idle in self.idle.get_mut().drain(..) {
            self.runtime.spawn(C::close(idle.connection));
        }
    }
}

/// A connection, taken out of its pool.
pub(super) struct Lease<C: Connector> {
    /// Empty only while it is dropped.
    connection: Option<C::Connection>,
    /// It has served before.
    pub(super) reused: bool,
    /// Nothing runs on it, and no transaction is open.
    settled: bool,
    pool: Arc<Inner<C>>,
    permit: Option<OwnedSemaphorePermit>,
}

impl<C: Connector> Lease<C> {
    /// From here on something runs on it: dropped now, the connection is closed and not used again.
    pub(super) const fn unsettle(&mut self) {
        self.settled = false;
    }

    /// What ran on it has come to its end, and it is as it was when it was taken.
    pub(super) const fn settle(&mut self) {
        self.settled = true;
    }

    /// Takes another connection in this one's place where what this one has learnt of the database no longer holds.
    pub(super) async fn renew_if_outdated(&mut self) -> Result<(), Error> {
        if !self.connection.as_ref().is_some_and(|connection| self.pool.connector.is_current(connection)) {
            let fresh = self.pool.connector.connect().await?;
            if let Some(outdated) = self.connection.replace(fresh) {
                self.pool.runtime.spawn(C::close(outdated));
            }
        }
        Ok(())
    }

    /// Rolls back the transaction on it, on a task of its own, then gives it back; where something still runs on it, it is closed
    /// instead, which rolls back as well. `held` is let go only then.
    pub(super) fn roll_back_and_return(mut self, held: impl Send + 'static) {
        if !self.settled {
            drop(self);
            drop(held);
            return;
        }
        self.settled = false;
        let runtime = self.pool.runtime.clone();
        runtime.spawn(async move {
            if let Some(connection) = self.connection.as_mut() {
                let rolled_back = tokio::time::timeout(FAREWELL, C::roll_back(connection)).await;
                self.settled = rolled_back.unwrap_or(false);
            }
            drop(self);
            drop(held);
        });
    }
}

impl<C: Connector> Deref for Lease<C> {
    type Target = C::Connection;

    #[allow(clippy::expect_used, reason = "the connection is there until the lease is dropped")]
    fn deref(&self) -> &C::Connection {
        self.connection.as_ref().expect("a lease holds its connection")
    }
}

impl<C: Connector> DerefMut for Lease<C> {
    #[allow(clippy::expect_used, reason = "the connection is there until the lease is dropped")]
    fn deref_mut(&mut self) -> &mut C::Connection {
        self.connection.as_mut().expect("a lease holds its connection")
    }
}

impl<C: Connector> Drop for Lease<C> {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        let permit = self.permit.take();
        if self.settled {
            self.pool.idle.lock().push(Idle { connection, since: Instant::now() });
            // Only now: whoever waits finds the connection on the pile.
            drop(permit);
        } else {
            self.pool.runtime.spawn(async move {
                C::end(connection).await;
                drop(permit);
            });
        }
    }
}
