//! Webhooks: what happened, sent to the shops' own systems, by the Standard Webhooks specification 1.0.0.
//!
//! 1. *Record.* [`event::record`] writes events in the transaction that causes them, those alone that an endpoint wants, and publishes
//!    that it did. For shops without endpoints it is one look at an index, whatever the number of events.
//! 2. *Fan out.* Core takes that message ([`fan_out`]) and makes a delivery for each event and endpoint.
//! 3. *Send.* Each endpoint has a job of its own ([`send`]), which sends what is due, one delivery after the other, and puts itself off
//!    until the next is. So a slow endpoint has at most one of the job slots, and gives it back after each failure.
//! 4. *Sweep.* A schedule ([`sweep`]) removes what is old, and starts again what an outage left lying.
//!
//! An attempt is counted and written down before it is made. Whatever ends in the middle of it (the host, say) leaves an attempt of
//! which nothing is known, and the delivery is attempted again: **a receiver gets an event at least once, each time with the same
//! `webhook-id`**, and in no promised order.

pub mod command;
pub mod delivery;
pub mod endpoint;
pub mod event;
pub mod fan_out;
pub mod retry;
pub mod secret;
pub mod send;
pub mod sweep;

pub use event::{NewEvent, record};

use datamp_sdk::Problem;

/// The answer where a shop names an endpoint that it has not.
pub(crate) fn endpoint_not_found() -> Problem {
    Problem::not_found("The shop has no such webhook endpoint.")
}

/// What the answer is called where something is to be sent to an endpoint that takes nothing.
pub(crate) const ENDPOINT_DISABLED: &str = "webhook-endpoint-disabled";

/// The answer where something is to be sent to an endpoint that takes nothing.
pub(crate) fn endpoint_disabled() -> Problem {
    Problem::new(409, ENDPOINT_DISABLED, "The webhook endpoint is disabled")
        .detail("Nothing is sent to it. Enable it first: PATCH it with {\"status\": \"enabled\"}.")
}
