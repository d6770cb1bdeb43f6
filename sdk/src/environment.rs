//! Facts about the place a component runs in.

/// The component's name, version and generation, and the base of the public address.
pub use crate::bindings::datamp::config::environment::About;
/// Tells them.
pub use crate::bindings::datamp::config::environment::describe;
