//! `datamp:messaging`: events, published within a transaction and delivered at least once.
//!
//! An event becomes one row of deferred work for each component that subscribes to its topic, in the publisher's own transaction: what
//! is delivered, retried and dead is then known for each subscriber, and an event that nobody subscribes to costs
//! nothing. How it is delivered is the business of [`work`](crate::work).

pub(crate) mod check;
mod host;

pub use crate::bindings::platform::datamp::messaging::publisher;
