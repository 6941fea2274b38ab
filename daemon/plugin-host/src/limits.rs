//! Limits of plugins, and their accounting. The reasons for the defaults are in
//! `daemon/design/plugin-limits.md`; the operator may set others.

use crate::manifest::Kind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};
use wasmtime::ResourceLimiter;

/// Time between two checks whether a call has used up its time.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// Most calls in this process at once. The others wait for their turn, since a full pool would fail them.
/// There are far more permits than cores, since calls wait for hosts too.
pub(crate) const PERMITS: usize = 64;
/// Most calls of one plugin at once, so that a plugin whose calls all wait leaves room for others.
pub(crate) const PERMITS_OF_ONE: usize = 48;

/// Limits of one plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Limits {
    /// Bytes of all its memories together.
    pub memory: usize,
    /// Elements of all its tables together.
    pub table: usize,
    /// Milliseconds of its own computing per call. Default: 2000 for a detector, else 10000.
    pub cpu_ms: Option<u64>,
    /// Milliseconds per call, waiting included. Default: 10000 for a detector, else 60000.
    pub wall_ms: Option<u64>,
    /// Calls to the host per job.
    pub host_calls: u64,
    /// Requests per job.
    pub http: u64,
    /// Lines of log per job.
    pub log_lines: u64,
    /// Milliseconds that compiling it may take.
    pub compile_ms: u64,
    /// Bytes of an answer, and of all that a host call is handed.
    pub output: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: 64 << 20,
            table: 20_000,
            cpu_ms: None,
            wall_ms: None,
            host_calls: 20_000,
            http: 50,
            log_lines: 2_000,
            compile_ms: 60_000,
            output: 256 << 10,
        }
    }
}

impl Limits {
    /// Returns the milliseconds of computing per call.
    pub(crate) fn cpu_ms(&self) -> u64 {
        self.cpu_ms.unwrap_or(10_000)
    }

    /// Returns the milliseconds per call, waiting included.
    pub(crate) fn wall_ms(&self) -> u64 {
        self.wall_ms.unwrap_or(60_000)
    }

    /// Returns the limits of a plugin of a kind: its own, else the kind's, and never above the ceiling.
    pub(crate) fn resolved(&self, kind: Kind, ceiling: Option<&Self>) -> Self {
        let (cpu, wall) = match kind {
            Kind::Detector => (2_000, 10_000),
            _ => (10_000, 60_000),
        };
        let own = Self {
            cpu_ms: Some(self.cpu_ms.unwrap_or(cpu)),
            wall_ms: Some(self.wall_ms.unwrap_or(wall)),
            ..self.clone()
        };
        let Some(most) = ceiling else { return own };
        Self {
            memory: own.memory.min(most.memory),
            table: own.table.min(most.table),
            cpu_ms: Some(own.cpu_ms().min(most.cpu_ms())),
            wall_ms: Some(own.wall_ms().min(most.wall_ms())),
            host_calls: own.host_calls.min(most.host_calls),
            http: own.http.min(most.http),
            log_lines: own.log_lines.min(most.log_lines),
            compile_ms: own.compile_ms.min(most.compile_ms),
            output: own.output.min(most.output),
        }
    }
}

/// Most effects of one plugin in one job that are reported.
const EFFECTS: u64 = 500;

/// Counts of one plugin in one job, for all its calls together.
#[derive(Default)]
pub(crate) struct Ledger {
    host_calls: AtomicU64,
    http: AtomicU64,
    effects: AtomicU64,
    log_lines: AtomicU64,
}

impl Ledger {
    /// Counts a host call. The error is a trap.
    pub(crate) fn host_call(&self, limits: &Limits) -> wasmtime::Result<()> {
        let calls = self.host_calls.fetch_add(1, Ordering::Relaxed);
        if calls >= limits.host_calls {
            wasmtime::bail!(
                "more than {} calls to the host (limit `host-calls`)",
                limits.host_calls
            );
        }
        Ok(())
    }

    /// Counts a request. The error is a trap.
    pub(crate) fn http(&self, limits: &Limits) -> wasmtime::Result<()> {
        if self.http.fetch_add(1, Ordering::Relaxed) >= limits.http {
            wasmtime::bail!("more than {} requests (limit `http`)", limits.http);
        }
        Ok(())
    }

    /// Counts an effect, and returns whether it may be reported. Limits on the effects themselves are
    /// enforced by the other counters.
    pub(crate) fn effect(&self) -> bool {
        self.effects.fetch_add(1, Ordering::Relaxed) < EFFECTS
    }

    /// Returns the number of host calls so far.
    pub(crate) fn host_calls(&self) -> u64 {
        self.host_calls.load(Ordering::Relaxed)
    }

    /// Counts a line, and compares the earlier count with the limit. `Equal` is the first line too many.
    pub(crate) fn log_line(&self, limits: &Limits) -> std::cmp::Ordering {
        self.log_lines.fetch_add(1, Ordering::Relaxed).cmp(&limits.log_lines)
    }
}

/// Resources that one call took. They outlive the call's store, which a timeout drops.
#[derive(Default)]
pub(crate) struct Tally {
    /// Ticks of computing.
    pub(crate) ticks: AtomicU64,
    /// Largest memory, in bytes.
    pub(crate) memory: AtomicU64,
}

/// Memory of all plugins of the process together.
#[derive(Default)]
pub(crate) struct Budget(AtomicUsize);

/// Most bytes of all plugins together: half a gibibyte, or eight plugins at their own limit.
const ALL_MEMORY: usize = 512 << 20;

/// Error for the limit of the process, which is not the plugin's fault.
#[derive(Debug, thiserror::Error)]
#[error("all plugins together would use more than {ALL_MEMORY} bytes of memory; try again later")]
pub(crate) struct Busy;

/// Meter of one store's memory, against its own limit and the process's.
pub(crate) struct Meter {
    budget: Arc<Budget>,
    memory_limit: usize,
    table_limit: usize,
    pub(crate) memory: usize,
    table: usize,
    /// Largest memory so far. It outlives the store.
    tally: Arc<Tally>,
}

impl Meter {
    pub(crate) fn new(budget: Arc<Budget>, limits: &Limits, tally: Arc<Tally>) -> Self {
        let memory_limit = limits.memory;
        let table_limit = limits.table;
        Self { budget, memory_limit, table_limit, memory: 0, table: 0, tally }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.budget.0.fetch_sub(self.memory, Ordering::Relaxed);
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current);
        if self.memory.saturating_add(more) > self.memory_limit {
            let wanted = self.memory.saturating_add(more);
            wasmtime::bail!(
                "wants {wanted} bytes of memory; {} are allowed (limit `memory`)",
                self.memory_limit
            );
        }
        let all = self.budget.0.fetch_add(more, Ordering::Relaxed);
        if all.saturating_add(more) > ALL_MEMORY {
            self.budget.0.fetch_sub(more, Ordering::Relaxed);
            return Err(Busy.into());
        }
        self.memory += more;
        self.tally.memory.store(self.memory as u64, Ordering::Relaxed);
        Ok(true)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.table = self.table.saturating_add(desired.saturating_sub(current));
        if self.table > self.table_limit {
            wasmtime::bail!(
                "wants {} table elements; {} are allowed (limit `table`)",
                self.table,
                self.table_limit
            );
        }
        Ok(true)
    }

    fn instances(&self) -> usize {
        64
    }

    fn memories(&self) -> usize {
        8
    }
}
