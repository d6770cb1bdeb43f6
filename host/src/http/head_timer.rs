//! The timer of the heads of one connection's requests, as hyper asks for it.

use std::{
    pin::Pin,
    time::{Duration, Instant},
};

use hyper::rt::{Sleep, Timer};

use crate::timers::{Timers, Wait};

/// The timer of one connection: hyper makes a wait when it begins to wait for a head, and drops it when the head is there.
#[derive(Clone, Debug, Default)]
pub(super) struct HeadTimer(Timers);

impl Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(Instant::now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(self.0.until(deadline.into()))
    }
}

impl Sleep for Wait {}
