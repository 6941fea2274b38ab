//! Where a guest runs: in this process, or in one of its own. Either way what it asks of the host is
//! answered here, from the call's own state.

use crate::{
    engine::{Host, SEATS_OF_ONE},
    limits::{Busy, Limits, TICK},
    question::{Call, GuestError, Return, put},
    state::{HANDLES, State, sanitize},
};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, atomic::Ordering};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::{Engine, Store, Trap, UpdateDeadline, component::InstancePre};

/// Bytes that one call may hand to the host, or take as its answer.
pub(crate) const HANDED: usize = 1 << 20;

/// Place where a plugin runs.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Isolation {
    /// A sandbox in the daemon's process.
    #[default]
    Sandbox,
    /// The sandbox in a process of its own, without credentials, network or most system calls.
    Process,
}

/// Why a call gave no reply.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CallFailure {
    pub(crate) message: String,
    /// No plugin is to blame.
    pub(crate) hosts: bool,
}

/// A call's end: what the guest said, or what became of it.
pub(crate) type Ended = Result<Result<Return, GuestError>, CallFailure>;

/// A place among the calls that run at once.
pub(crate) struct Permit {
    pub(crate) _held: Vec<OwnedSemaphorePermit>,
}

/// Runs one plugin's calls. Dropping the future ends the guest.
#[async_trait]
pub(crate) trait Execute: Send + Sync {
    /// Waits for a place: other people's calls are none of this call's time.
    async fn acquire(&self) -> Permit;

    /// Gives the state back: it may hold what the reply names.
    async fn run(&self, state: State, question: Call) -> (Ended, State);
}

/// In this process.
pub(crate) struct Sandbox {
    pub(crate) engine: Engine,
    pub(crate) pre: InstancePre<State>,
    /// Of all plugins, and of this one.
    seats: [Arc<Semaphore>; 2],
}

impl Sandbox {
    pub(crate) fn executor(host: &Host, pre: InstancePre<State>) -> Arc<dyn Execute> {
        let own = Arc::new(Semaphore::new(SEATS_OF_ONE));
        // Its own first: who waits for that holds no other.
        Arc::new(Self { engine: host.engine.clone(), pre, seats: [own, host.seats.clone()] })
    }
}

#[async_trait]
impl Execute for Sandbox {
    async fn acquire(&self) -> Permit {
        let mut held = Vec::new();
        for seats in &self.seats {
            held.extend(seats.clone().acquire_owned().await);
        }
        Permit { _held: held }
    }

    async fn run(&self, state: State, question: Call) -> (Ended, State) {
        let limits = state.limits.clone();
        let mut store = Store::new(&self.engine, state);
        store.limiter(|state| &mut state.meter);
        let tally = store.data().tally.clone();
        bound(&mut store, &limits, move || tally.ticks.fetch_add(1, Ordering::Relaxed) + 1);
        let replied = put(question, self.pre.clone(), &mut store).await;
        let ended = replied.map_err(|error| broken(&error, &limits));
        let state = store.into_data();
        (ended, state)
    }
}

/// The limits that a store keeps. `tick` counts one, and says how many there were.
pub(crate) fn bound<T>(
    store: &mut Store<T>,
    limits: &Limits,
    tick: impl Fn() -> u64 + Send + Sync + 'static,
) {
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

/// A trap in words: which limit, or what the guest did.
pub(crate) fn broken(error: &wasmtime::Error, limits: &Limits) -> CallFailure {
    // The process's budget, the pool, the disk.
    let hosts = error.downcast_ref::<Busy>().is_some()
        || error.downcast_ref::<wasmtime::PoolConcurrencyLimitError>().is_some()
        || error.downcast_ref::<std::io::Error>().is_some();
    CallFailure { message: words(error, limits), hosts }
}

fn words(error: &wasmtime::Error, limits: &Limits) -> String {
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
