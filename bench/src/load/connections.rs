//! The connections of one thread of a load.

use std::{
    cell::RefCell,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use anyhow::Result;
use futures::future::join_all;
use tokio::time::{Sleep, sleep};

use super::report::Tally;
use crate::http::{Connection, Failure, Request, Response};

/// How long a connection waits after it broke before it is made anew, so that a server that is away is not hammered.
const PAUSE: Duration = Duration::from_millis(5);

/// A load, ready to run.
pub(super) struct Plan {
    pub(super) address: SocketAddr,
    /// Each request is any of these.
    pub(super) requests: Vec<Request>,
    /// The number of the next request.
    pub(super) number: AtomicU64,
    pub(super) expect: u16,
    pub(super) warm_up: Duration,
    pub(super) measured: Duration,
    pub(super) timeout: Duration,
}

/// The span that is measured: after the warm-up, until the end.
#[derive(Clone, Copy)]
struct Window {
    begin: Instant,
    end: Instant,
}

/// Runs `count` connections on this thread until the plan's time is over.
pub(super) fn run(plan: &Plan, count: usize) -> Result<Tally> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let tally = RefCell::new(Tally::new()?);
    let begin = Instant::now() + plan.warm_up;
    let window = Window { begin, end: begin + plan.measured };
    runtime.block_on(join_all((0..count).map(|_| keep_connected(plan, window, &tally))));
    Ok(tally.into_inner())
}

/// One connection, made anew whenever it ends.
async fn keep_connected(plan: &Plan, window: Window, tally: &RefCell<Tally>) {
    while Instant::now() < window.end {
        let served = match Connection::open(plan.address).await {
            Ok(connection) => keep_asking(connection, plan, window, tally).await,
            Err(failure) => Err(failure),
        };
        if let Err(failure) = served {
            tally.borrow_mut().failed(failure);
            sleep(PAUSE).await;
        }
    }
}

/// Sends one request after the other, until the end or until the server closes the connection as it should.
async fn keep_asking(
    mut connection: Connection,
    plan: &Plan,
    window: Window,
    tally: &RefCell<Tally>,
) -> Result<(), Failure> {
    let mut stall = pin!(sleep(plan.timeout));
    let mut started = Instant::now();
    let mut requests = plan.requests.clone();
    while started < window.end {
        let number = plan.number.fetch_add(1, Ordering::Relaxed);
        let Some(request) = any(&mut requests, number) else { return Ok(()) };
        request.set_number(number);
        let response = within(plan.timeout, started, stall.as_mut(), connection.exchange(request)).await?;
        let finished = Instant::now();
        if response.status != plan.expect {
            tally.borrow_mut().failed(Failure::Status(response.status));
        } else if finished >= window.begin && finished < window.end {
            tally.borrow_mut().answered(finished - started);
        }
        if response.last {
            return Ok(());
        }
        started = finished;
    }
    Ok(())
}

/// Any of the requests: the number, mixed (the multiplier of MMIX's generator), so that neighbours are not neighbours.
fn any(requests: &mut [Request], number: u64) -> Option<&mut Request> {
    let mixed = number.wrapping_mul(6_364_136_223_846_793_005) >> 33;
    let count = u64::try_from(requests.len()).ok().filter(|count| *count > 0)?;
    requests.get_mut(usize::try_from(mixed % count).ok()?)
}

/// Waits for an exchange, not longer than `timeout` after it `started`.
///
/// The timer is shared by all exchanges of a connection and set anew only when it fires: setting it for each would cost
/// more than the rest of the bookkeeping.
async fn within<'connection>(
    timeout: Duration,
    started: Instant,
    mut stall: Pin<&mut Sleep>,
    exchange: impl Future<Output = Result<Response<'connection>, Failure>>,
) -> Result<Response<'connection>, Failure> {
    let mut exchange = pin!(exchange);
    loop {
        tokio::select! {
            biased;
            result = &mut exchange => return result,
            () = &mut stall => {
                let limit = started + timeout;
                if Instant::now() >= limit {
                    return Err(Failure::Stalled);
                }
                stall.as_mut().reset(limit.into());
            }
        }
    }
}
