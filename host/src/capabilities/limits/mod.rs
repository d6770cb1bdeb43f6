//! `datamp:limits`: how often something may be done, by key.
//!
//! In memory alone: a decision is on the path of every request that is limited. [`bucket`] decides, [`keys`] remembers.
//!
//! The crates for this (governor is the best known) have one quota for each limiter, given when it is made, and keep every key until
//! they are told to look for old ones. Here a quota comes with each call, as the settings of a component may change under its keys, and
//! the number of keys is bounded, as callers choose them.

mod bucket;
mod host;
mod keys;

pub use bucket::{Decision, Quota};
pub use keys::{Keys, Rates};
