//! Continuous load: clients that each keep one connection and send one request after the other.
//!
//! Nothing is sent again: an answer that is not the expected one, a connection that is closed, or no answer within
//! [`PATIENCE`] is a failure. So a swap that so much as closes an idle connection is found.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{task::JoinSet, time::timeout};

use crate::http::{Answer, Connection, Outgoing, PATIENCE};

/// Clients at work.
pub struct Load {
    shared: Arc<Shared>,
    clients: JoinSet<()>,
    began: Instant,
}

struct Shared {
    stop: AtomicBool,
    succeeded: AtomicUsize,
    failures: Mutex<Vec<String>>,
    longest: Mutex<Duration>,
}

/// What came of a load.
#[derive(Debug)]
pub struct Report {
    /// Requests that were answered as expected.
    pub succeeded: usize,
    /// What went wrong, one text for each failed request.
    pub failures: Vec<String>,
    /// The longest time that a request took.
    pub longest: Duration,
    /// How long the load lasted.
    pub lasted: Duration,
}

impl Load {
    /// Starts clients. Each asks `next` for its requests, with its own number and the number of the request, and gives the
    /// answer to `check`, which says what is wrong with it.
    pub fn start<N, C>(address: SocketAddr, clients: usize, next: N, check: C) -> Self
    where
        N: Fn(usize, usize) -> Outgoing + Send + Sync + 'static,
        C: Fn(usize, usize, &Answer) -> Result<(), String> + Send + Sync + 'static,
    {
        let shared = Arc::new(Shared {
            stop: AtomicBool::new(false),
            succeeded: AtomicUsize::new(0),
            failures: Mutex::default(),
            longest: Mutex::default(),
        });
        let (next, check) = (Arc::new(next), Arc::new(check));
        let mut set = JoinSet::new();
        for client in 0..clients {
            let (shared, next, check) = (Arc::clone(&shared), Arc::clone(&next), Arc::clone(&check));
            set.spawn(async move { shared.work(address, client, &*next, &*check).await });
        }
        Self { shared, clients: set, began: Instant::now() }
    }

    /// A load of the same GET, whose answers must all be 200.
    #[must_use]
    pub fn of_path(address: SocketAddr, clients: usize, path: &str) -> Self {
        let path = path.to_owned();
        Self::start(address, clients, move |_, _| Outgoing::get(&path), |_, _, answer| expect(answer, 200))
    }

    /// How many requests have succeeded so far.
    #[must_use]
    pub fn succeeded(&self) -> usize {
        self.shared.succeeded.load(Ordering::Relaxed)
    }

    /// Waits until so many more requests have succeeded, or one has failed.
    pub async fn advance(&self, requests: usize) {
        let goal = self.succeeded() + requests;
        while self.succeeded() < goal && self.shared.failures.lock().unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Lets every client finish the request it is at, and tells how it went.
    pub async fn stop(mut self) -> Report {
        self.shared.stop.store(true, Ordering::Relaxed);
        while let Some(client) = self.clients.join_next().await {
            client.unwrap();
        }
        Report {
            succeeded: self.succeeded(),
            failures: std::mem::take(&mut *self.shared.failures.lock().unwrap()),
            longest: *self.shared.longest.lock().unwrap(),
            lasted: self.began.elapsed(),
        }
    }
}

impl Shared {
    async fn work(
        &self,
        address: SocketAddr,
        client: usize,
        next: &(dyn Fn(usize, usize) -> Outgoing + Send + Sync),
        check: &(dyn Fn(usize, usize, &Answer) -> Result<(), String> + Send + Sync),
    ) {
        let mut connection = match Connection::open(address).await {
            Ok(connection) => connection,
            Err(error) => return self.failed(client, 0, &format!("no connection: {error:#}")),
        };
        let mut number = 0;
        while !self.stop.load(Ordering::Relaxed) {
            let began = Instant::now();
            let outcome = timeout(PATIENCE, connection.send(next(client, number))).await;
            let took = began.elapsed();
            {
                let mut longest = self.longest.lock().unwrap();
                *longest = took.max(*longest);
            }
            let answer = match outcome {
                Ok(answer) => answer.map_err(|error| format!("{error:#}")),
                Err(_) => Err("no answer: it hangs".to_owned()),
            };
            match answer.and_then(|answer| check(client, number, &answer)) {
                Ok(()) => {
                    self.succeeded.fetch_add(1, Ordering::Relaxed);
                }
                // A client that failed once stops: what follows would only bury the cause.
                Err(why) => return self.failed(client, number, &format!("{why} (after {took:?})")),
            }
            number += 1;
        }
    }

    fn failed(&self, client: usize, number: usize, why: &str) {
        self.failures.lock().unwrap().push(format!("client {client}, request {number}: {why}"));
    }
}

/// Whether an answer has the status.
///
/// # Errors
/// Says which it has, and the body.
pub fn expect(answer: &Answer, status: u16) -> Result<(), String> {
    if answer.status == status {
        Ok(())
    } else {
        Err(format!("{} instead of {status}: {}", answer.status, answer.text()))
    }
}

impl Report {
    /// Fails the test if any request failed, or if there were so few that it proves nothing.
    pub fn assert_flawless(&self, at_least: usize) {
        assert!(self.failures.is_empty(), "{} of {} failed: {:#?}", self.failures.len(), self.succeeded, self.failures);
        assert!(self.succeeded >= at_least, "only {} requests in {:?}", self.succeeded, self.lasted);
    }
}
