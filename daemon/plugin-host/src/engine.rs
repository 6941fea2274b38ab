//! Engine of wasmtime, the same in all processes of the daemon.

use crate::limits::PERMITS;
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig};

/// Most memory of one instance in bytes, whatever its own limit is.
const SLOT: usize = 256 << 20;

/// Most memories, tables and core instances of one component. One made of Python has 38 instances.
const MEMORIES: u32 = 4;
const TABLES: u32 = 8;
const INSTANCES: u32 = 128;

/// Returns the configuration that the compiling child and the running daemon must agree on.
pub(crate) fn config() -> wasmtime::Result<Config> {
    let mut config = Config::new();
    config.epoch_interruption(true);
    config.concurrency_support(false);
    config.wasm_memory64(false);
    config.wasm_relaxed_simd(false);
    config.max_wasm_stack(512 << 10);
    config.memory_reservation(SLOT as u64);
    // By itself the file names only the major version: a fix of the code generator must not find
    // code that was made before it.
    config.module_version(wasmtime::ModuleVersionStrategy::Custom(VERSION.into()))?;
    let mut pool = PoolingAllocationConfig::default();
    #[expect(clippy::cast_possible_truncation, reason = "a small constant")]
    let calls = PERMITS as u32;
    pool.total_component_instances(calls)
        .total_memories(calls * MEMORIES)
        .total_tables(calls * TABLES)
        .total_core_instances(calls * INSTANCES)
        .total_stacks(calls)
        .max_memories_per_component(MEMORIES)
        .max_tables_per_component(TABLES)
        .max_core_instances_per_component(INSTANCES)
        .max_memory_size(SLOT)
        .max_component_instance_size(4 << 20)
        .table_elements(20_000)
        .linear_memory_keep_resident(64 << 10)
        .table_keep_resident(64 << 10)
        .pagemap_scan(Enabled::Auto);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Ok(config)
}

/// The exact wasmtime, as pinned in the workspace.
pub(crate) const VERSION: &str = concat!("48.0.8+", env!("CARGO_PKG_VERSION"));
