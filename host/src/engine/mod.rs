//! wasmtime: settings, compiled artifacts and their cache, instances and their limits.

pub mod artifact;
mod epoch;
mod error;
mod instance_state;
pub mod interface;
pub mod limits;
pub mod links;
mod output;
pub mod pool;
pub mod settings;
pub mod standard;
mod typed;

pub use error::CallError;
pub use instance_state::{CallContext, ComponentContext, InstanceState};
pub use typed::Serves;

use wasmtime::{
    Engine,
    component::{HasSelf, Linker},
};

use self::settings::{Allocation, EPOCH_TICK, Flavour};
use crate::bindings::platform::Platform;

/// The engines and, for each, a linker that holds all capabilities.
pub struct Engines {
    synchronous: Base,
    concurrent: Base,
    allocation: Allocation,
}

/// An engine and what every component on it can import.
pub struct Base {
    /// The engine.
    pub engine: Engine,
    /// WASI and all capabilities.
    pub linker: Linker<InstanceState>,
}

impl Engines {
    /// Makes both engines and starts their clock.
    ///
    /// # Errors
    /// When wasmtime or the system refuses.
    pub fn start() -> wasmtime::Result<Self> {
        let (synchronous, allocation) = settings::engine(Flavour::Synchronous)?;
        let (concurrent, _) = settings::engine(Flavour::Concurrent)?;
        epoch::start(&[&synchronous, &concurrent], EPOCH_TICK)?;
        Ok(Self {
            synchronous: Base { linker: linker(&synchronous, Flavour::Synchronous)?, engine: synchronous },
            concurrent: Base { linker: linker(&concurrent, Flavour::Concurrent)?, engine: concurrent },
            allocation,
        })
    }

    /// The engine for a flavour of component.
    #[must_use]
    pub fn base(&self, flavour: Flavour) -> &Base {
        match flavour {
            Flavour::Synchronous => &self.synchronous,
            Flavour::Concurrent => &self.concurrent,
        }
    }

    /// How instances get their memory.
    #[must_use]
    pub fn allocation(&self) -> Allocation {
        self.allocation
    }
}

fn linker(engine: &Engine, flavour: Flavour) -> wasmtime::Result<Linker<InstanceState>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    if flavour == Flavour::Concurrent {
        wasmtime_wasi::p3::add_to_linker(&mut linker)?;
        wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
    }
    Platform::add_to_linker::<InstanceState, HasSelf<InstanceState>>(&mut linker, |state| state)?;
    Ok(linker)
}
