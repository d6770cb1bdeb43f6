//! The edge: connections, limits, request ids, routing, and a problem document for every error that the host makes.

mod context;
mod convert;
mod dispatch;
mod edge;
mod head_timer;
pub mod problem;
mod server;
mod site;

pub use context::{RequestContext, X_REQUEST_ID};
pub use edge::{Edge, EdgeSettings};
pub use problem::Problem;
pub use server::{Listening, serve};
pub use site::{Readiness, site};
