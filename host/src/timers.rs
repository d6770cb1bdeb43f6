//! Deadlines that are seldom reached.
//!
//! Every request is bounded by several, and nearly all of them are done long before. A tokio timer for each takes a place in the
//! timer wheel when it is first waited for and gives it back when it is dropped, under one lock that all threads contend for. Here
//! places are kept: one that is free is taken over as it is, set to the deadline of an earlier wait. When it fires, and the wait
//! that has it now ends later, it is set anew. So the wheel is touched once in a deadline's time, and not twice for each request.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use parking_lot::Mutex;
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep};

/// The most places that are kept.
const MOST_SPARE: usize = 1024;

/// Places in the timer wheel of the runtime that first waits with them; it must outlive them. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Timers(Arc<Mutex<Vec<Pin<Box<Sleep>>>>>);

/// What had to be done was not done in time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Late;

impl Timers {
    /// Waits until a moment.
    pub fn until(&self, deadline: Instant) -> Wait {
        Wait { timers: self.clone(), deadline, sleep: None }
    }

    /// Does something, but for no longer than until a moment.
    ///
    /// # Errors
    /// When the moment came first. What was being done is dropped.
    pub fn within<F: Future>(&self, deadline: Instant, work: F) -> Within<F> {
        Within { work, wait: self.until(deadline) }
    }
}

pin_project! {
    /// Something that is done until a moment at the latest. No `async fn`: one would hold `work` twice.
    #[derive(Debug)]
    #[must_use = "nothing is done until it is polled"]
    pub struct Within<F> {
        #[pin]
        work: F,
        wait: Wait,
    }
}

impl<F: Future> Future for Within<F> {
    type Output = Result<F::Output, Late>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(done) = this.work.poll(cx) {
            return Poll::Ready(Ok(done));
        }
        Pin::new(this.wait).poll(cx).map(|()| Err(Late))
    }
}

/// A wait, which ends at its deadline.
#[derive(Debug)]
#[must_use = "it waits only when it is polled"]
pub struct Wait {
    timers: Timers,
    deadline: Instant,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Future for Wait {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { timers, deadline, sleep } = self.get_mut();
        let deadline = *deadline;
        let sleep = sleep.get_or_insert_with(|| {
            // One that would fire later than this wait's end would be of no use.
            let spare = timers.0.lock().pop_if(|spare| spare.deadline() <= deadline);
            spare.unwrap_or_else(|| Box::pin(tokio::time::sleep_until(deadline)))
        });
        loop {
            ready!(sleep.as_mut().poll(cx));
            if sleep.deadline() >= deadline {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline);
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        if let Some(sleep) = self.sleep.take() {
            let mut spare = self.timers.0.lock();
            if spare.len() < MOST_SPARE {
                spare.push(sleep);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::FutureExt as _;

    use super::*;
    use crate::rounds::Rounds;

    /// Waits for what came at once, and leaves the place behind.
    fn wait_in_vain(timers: &Timers, deadline: Duration) {
        let deadline = Instant::now() + deadline;
        let ended = timers.until(deadline).now_or_never().is_some();
        assert!(!ended || Instant::now() >= deadline);
    }

    #[tokio::test]
    async fn a_wait_lasts_until_its_own_deadline_though_its_place_was_set_to_an_earlier_one() {
        let rounds = Rounds::begin();
        loop {
            let timers = Timers::default();
            wait_in_vain(&timers, Duration::from_millis(30));
            let begun = Instant::now();
            wait_in_vain(&timers, Duration::from_millis(100));
            timers.until(Instant::now() + Duration::from_millis(120)).await;
            let took = begun.elapsed();
            assert!(took >= Duration::from_millis(120), "{took:?}");
            assert_eq!(timers.0.lock().len(), 1, "one place served all three");
            if rounds.quick(took, Duration::from_secs(2)) {
                break;
            }
        }
    }

    #[tokio::test]
    async fn a_wait_lasts_until_its_own_deadline_though_a_place_is_set_to_a_later_one() {
        let rounds = Rounds::begin();
        loop {
            let timers = Timers::default();
            wait_in_vain(&timers, Duration::from_secs(600));
            let begun = Instant::now();
            timers.until(Instant::now() + Duration::from_millis(20)).await;
            let took = begun.elapsed();
            assert!(took >= Duration::from_millis(20), "{took:?}");
            if rounds.quick(took, Duration::from_secs(2)) {
                break;
            }
        }
    }

    #[tokio::test]
    async fn what_is_done_in_time_is_answered_and_the_rest_is_late() {
        let timers = Timers::default();
        let soon = || Instant::now() + Duration::from_millis(20);
        assert_eq!(timers.within(soon(), async { 1 }).await, Ok(1));
        assert_eq!(timers.within(soon(), std::future::pending::<()>()).await, Err(Late));
        let work = async {
            tokio::task::yield_now().await;
            2
        };
        assert_eq!(timers.within(Instant::now() + Duration::from_secs(600), work).await, Ok(2));
        // Two at once have a place each.
        let (first, second) = tokio::join!(
            timers.within(soon(), std::future::pending::<()>()),
            timers.within(soon(), std::future::pending::<()>())
        );
        assert_eq!((first, second), (Err(Late), Err(Late)));
    }
}
