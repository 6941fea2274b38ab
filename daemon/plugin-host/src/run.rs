//! Execution of calls: in this process, or in a process of the plugin's own. In both cases this process
//! answers the guest's host calls, from the call's own state.

pub(crate) mod call;
pub(crate) mod process;
pub(crate) mod sandbox;

use crate::{
    host::{HANDLES, State},
    kinds::invoke::{Call, GuestError, Return},
    limits::{Busy, Limits, TICK},
    text::sanitize,
};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::OwnedSemaphorePermit;
use wasmtime::{Store, Trap, UpdateDeadline};

/// Most bytes that one host call may hand over, or return.
const HANDED: usize = 1 << 20;

/// Reason why a call has no return.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CallFailure {
    pub(crate) message: String,
    pub(crate) blame: Blame,
}

/// The one to blame for a failure. Only a plugin's own failures disable it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Blame {
    Host,
    Plugin,
}

/// A call's end: the guest's return or error, or the failure.
pub(crate) type Ended = Result<Result<Return, GuestError>, CallFailure>;

/// A place among the calls that run at once.
pub(crate) struct Permit {
    _held: Vec<OwnedSemaphorePermit>,
}

/// Executor of one plugin's calls. Dropping a future ends the guest.
#[async_trait]
pub(crate) trait Execute: Send + Sync {
    /// Waits for a permit. The wait does not count as time of the call.
    async fn acquire(&self) -> Permit;

    /// Runs a call. Returns the state too, since it may hold resources that the return names.
    async fn run(&self, state: State, call: Call) -> (Ended, State);
}

/// Sets the limits that a store keeps. `tick` counts a tick of computing, and returns the count.
fn bound<T>(store: &mut Store<T>, limits: &Limits, tick: impl Fn() -> u64 + Send + Sync + 'static) {
    let limit = limits.cpu_ms();
    store.set_hostcall_fuel(HANDED);
    store.set_epoch_deadline(1);
    let most = limit / u64::try_from(TICK.as_millis()).unwrap_or(1);
    store.epoch_deadline_callback(move |_| {
        if tick() > most {
            wasmtime::bail!("computed for more than {limit} ms (limit `cpu-ms`)");
        }
        // Yields, so that one busy guest does not hold a thread of the daemon.
        Ok(UpdateDeadline::Yield(1))
    });
}

/// Returns the failure for a trap. The message names the limit, or what the guest did.
fn failure(error: &wasmtime::Error, limits: &Limits) -> CallFailure {
    // The process's budget, the pool, the disk.
    let is_the_hosts = error.downcast_ref::<Busy>().is_some()
        || error.downcast_ref::<wasmtime::PoolConcurrencyLimitError>().is_some()
        || error.downcast_ref::<std::io::Error>().is_some();
    let blame = if is_the_hosts { Blame::Host } else { Blame::Plugin };
    CallFailure { message: message(error, limits), blame }
}

fn message(error: &wasmtime::Error, limits: &Limits) -> String {
    match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => "used up its stack of 512 KiB".into(),
        Some(Trap::UnreachableCodeReached) => "trapped: it gave up (a panic)".into(),
        Some(Trap::Interrupt) => {
            format!("computed for more than {} ms (limit `cpu-ms`)", limits.cpu_ms())
        }
        Some(trap) => format!("trapped: {trap}"),
        None => match sanitize(&error.root_cause().to_string()) {
            text if text.contains("fuel allocated for hostcalls") => {
                format!("handed the host more than {} KiB in one call", HANDED >> 10)
            }
            text if text.contains("resource table has no free keys") => {
                format!("holds more than {HANDLES} handles at once")
            }
            text => text,
        },
    }
}
