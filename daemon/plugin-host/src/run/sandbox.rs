//! Calls in this process.

use super::{Ended, Execute, Permit, bound, failure};
use crate::{
    clock::Clock,
    host::State,
    kinds::invoke::{Call, invoke},
    limits::PERMITS_OF_ONE,
};
use async_trait::async_trait;
use std::sync::{Arc, atomic::Ordering};
use tokio::sync::Semaphore;
use wasmtime::{Engine, Store, component::InstancePre};

/// Executor of one plugin's calls in this process.
pub(crate) struct Sandbox {
    engine: Engine,
    clock: Clock,
    pre: InstancePre<State>,
    /// Permits of this plugin, and of all plugins.
    permits: [Arc<Semaphore>; 2],
}

impl Sandbox {
    /// Creates an executor. `all` has the permits of all plugins of the process.
    pub(crate) fn executor(
        engine: &Engine,
        clock: &Clock,
        pre: InstancePre<State>,
        all: &Arc<Semaphore>,
    ) -> Arc<dyn Execute> {
        let own = Arc::new(Semaphore::new(PERMITS_OF_ONE));
        // The plugin's own permit first: a call that waits for it holds no other.
        let (engine, clock) = (engine.clone(), clock.clone());
        Arc::new(Self { engine, clock, pre, permits: [own, all.clone()] })
    }
}

#[async_trait]
impl Execute for Sandbox {
    async fn acquire(&self) -> Permit {
        let mut held = Vec::new();
        for permits in &self.permits {
            held.extend(permits.clone().acquire_owned().await);
        }
        Permit { _held: held }
    }

    async fn run(&self, state: State, call: Call) -> (Ended, State) {
        let limits = state.limits.clone();
        let mut store = Store::new(&self.engine, state);
        store.limiter(|state| &mut state.meter);
        let tally = store.data().tally.clone();
        bound(&mut store, &limits, move || tally.ticks.fetch_add(1, Ordering::Relaxed) + 1);
        let _running = self.clock.run();
        let returned = invoke(call, self.pre.clone(), &mut store).await;
        let ended = returned.map_err(|error| failure(&error, &limits));
        let state = store.into_data();
        (ended, state)
    }
}
