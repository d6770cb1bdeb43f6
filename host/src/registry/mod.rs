//! Who serves what, now.
//!
//! A [`Table`] is one consistent answer: the active generation of every component, the routes, and the exported interfaces. It is
//! never changed: activation builds the next one and swaps one pointer. Whoever holds a generation from an older table
//! finishes with it.

mod generation;
mod in_flight;
pub mod merge;
mod routes;
mod table;

pub use generation::{Generation, Runner};
pub use in_flight::{InFlight, InFlightGuard};
pub use table::{Candidate, Conflict, Down, Route, Table};

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::engine::interface::InterfaceKey;

/// The current table, shared by all.
#[derive(Clone, Default)]
pub struct Registry {
    current: Arc<ArcSwap<Table>>,
}

impl Registry {
    /// The table as it is now.
    #[must_use]
    pub fn table(&self) -> Arc<Table> {
        self.current.load_full()
    }

    /// Where a path leads.
    #[must_use]
    pub fn route(&self, path: &str) -> Option<Route> {
        self.current.load().route(path).cloned()
    }

    /// The generation that exports an interface.
    #[must_use]
    pub fn provider(&self, key: &InterfaceKey) -> Option<Arc<Generation>> {
        self.current.load().provider(key).cloned()
    }

    /// Puts another table in place. Only the control plane does, one change at a time.
    pub fn replace(&self, table: Table) {
        self.current.store(Arc::new(table));
    }
}
