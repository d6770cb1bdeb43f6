//! What the host tells of itself and its components: logs, metrics, and where a request stands in a distributed trace.

pub mod clock;
pub mod logs;
pub mod merging;
pub mod metrics;
pub mod trace;
