//! `datamp:jobs`: work on a schedule, and work that a component puts off.
//!
//! Both are rows of deferred work, and how they are run is the business of [`work`](crate::work). This is the import by which a
//! component adds and cancels its own.

mod check;
mod host;

pub use crate::bindings::platform::datamp::jobs::scheduler;
