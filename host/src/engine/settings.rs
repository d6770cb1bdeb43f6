//! The one place where wasmtime is configured. A compiled artifact fits only the settings it was compiled with.

use std::time::Duration;

use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, WasmBacktraceDetails};

/// How often the epoch advances: how long a guest computes before it lets others on its thread run, and how late a
/// deadline may be noticed.
pub const EPOCH_TICK: Duration = Duration::from_millis(5);

/// Instances of components alive at once on the whole host.
const INSTANCES: u32 = 1000;

/// Bytes of a returned memory slot that are cleared in place instead of being given back to the system. On the two-core
/// reference machine 2 MiB nearly doubles the throughput of fresh instances against 256 KiB.
const KEEP_RESIDENT: usize = 2 << 20;

/// Which calls an engine is for.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Flavour {
    /// Synchronous exports, one call at a time in an instance: the store carries no machinery for concurrency.
    Synchronous,
    /// `wasi:http`, whose handlers run as concurrent tasks.
    Concurrent,
}

/// How an engine came by its memory.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Allocation {
    /// Slots reserved beforehand.
    Pooling,
    /// Mapped anew for each instance, because the address space could not be had.
    OnDemand,
}

/// Makes the engine of a flavour: with a pool of instances if this machine gives the address space for it, else without.
///
/// # Errors
/// When wasmtime takes the settings neither way.
pub fn engine(flavour: Flavour) -> wasmtime::Result<(Engine, Allocation)> {
    // Making the engine is the probe: it reserves the whole pool.
    match Engine::new(config(flavour).allocation_strategy(pool())) {
        Ok(engine) => Ok((engine, Allocation::Pooling)),
        Err(error) => {
            tracing::warn!(
                "no address space for a pool of {INSTANCES} instances, which slows fresh instances down: {error:#}"
            );
            let engine = Engine::new(config(flavour).allocation_strategy(InstanceAllocationStrategy::OnDemand))?;
            Ok((engine, Allocation::OnDemand))
        }
    }
}

fn config(flavour: Flavour) -> Config {
    let mut config = Config::new();
    let concurrent = flavour == Flavour::Concurrent;
    config
        .wasm_component_model(true)
        .epoch_interruption(true)
        .memory_init_cow(true)
        .async_stack_size(2 << 20)
        .max_wasm_stack(1 << 20)
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        .concurrency_support(concurrent);
    if concurrent {
        config.wasm_component_model_async(true);
    }
    config
}

/// Sized for guests of every language: those compiled from JavaScript and Python need the large tables and instances.
fn pool() -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(INSTANCES)
        .total_core_instances(4 * INSTANCES)
        .total_memories(2 * INSTANCES)
        .total_tables(2 * INSTANCES)
        .total_stacks(INSTANCES)
        .max_core_instances_per_component(50)
        .max_component_instance_size(1 << 20)
        .max_core_instance_size(1 << 20)
        .max_memories_per_component(8)
        .max_memories_per_module(8)
        .max_tables_per_component(16)
        .max_tables_per_module(16)
        .table_elements(20_000)
        .linear_memory_keep_resident(KEEP_RESIDENT)
        .table_keep_resident(64 << 10)
        .max_unused_warm_slots(200)
        // PAGEMAP_SCAN is slower than clearing for guests of this size (wasmtime#14357).
        .pagemap_scan(Enabled::No);
    pool
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher, RandomState};

    use super::*;

    #[test]
    fn both_flavours_make_an_engine() {
        for flavour in [Flavour::Synchronous, Flavour::Concurrent] {
            engine(flavour).unwrap();
        }
    }

    #[test]
    fn artifacts_of_one_flavour_do_not_fit_the_other() {
        let state = RandomState::new();
        let fingerprint = |flavour| state.hash_one(engine(flavour).unwrap().0.precompile_compatibility_hash());
        assert_eq!(fingerprint(Flavour::Synchronous), fingerprint(Flavour::Synchronous));
        assert_ne!(fingerprint(Flavour::Synchronous), fingerprint(Flavour::Concurrent));
    }
}
