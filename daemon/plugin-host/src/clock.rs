//! Clock of an engine of wasmtime, by which calls end that compute for too long.

use crate::limits::TICK;
use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::Duration,
};
use wasmtime::Engine;

/// Time after which a clock that stands still looks whether its engine is gone.
const LOOK: Duration = Duration::from_secs(60);

/// Clock that counts epochs while calls run, and stands still otherwise: a hundred wake-ups a second were a quarter of what a
/// daemon took of a processor that only waits. Clones are the same clock.
#[derive(Clone, Default)]
pub(crate) struct Clock(Arc<Calls>);

/// Calls that run.
#[derive(Default)]
struct Calls {
    running: Mutex<usize>,
    began: Condvar,
}

impl Calls {
    fn running(&self) -> MutexGuard<'_, usize> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether a call runs. It waits for one, [`LOOK`] at most.
    fn wait(&self) -> bool {
        let none = |running: &mut usize| *running == 0;
        let waited = self.began.wait_timeout_while(self.running(), LOOK, none);
        *waited.unwrap_or_else(PoisonError::into_inner).0 > 0
    }
}

/// A call that runs. The clock counts until it is dropped.
pub(crate) struct Running(Arc<Calls>);

impl Drop for Running {
    fn drop(&mut self) {
        let mut running = self.0.running();
        *running = running.saturating_sub(1);
    }
}

impl Clock {
    /// Starts the thread that counts epochs of an engine. The thread ends with the engine, [`LOOK`] later at most.
    ///
    /// Returns once the thread runs: it needs rights at its start that a worker then takes from itself.
    pub(crate) fn start(engine: &Engine) -> Self {
        let weak = engine.weak();
        Self::counting(move |counts| match weak.upgrade() {
            Some(engine) => {
                if counts {
                    engine.increment_epoch();
                }
                true
            }
            None => false,
        })
    }

    /// Starts a thread that calls `look` after each [`TICK`] while a call runs, with `true`, and now and then otherwise. It ends
    /// once `look` returns `false`.
    fn counting(look: impl Fn(bool) -> bool + Send + 'static) -> Self {
        let clock = Self::default();
        let calls = clock.0.clone();
        let (runs, running) = mpsc::channel();
        thread::spawn(move || {
            let _ = runs.send(());
            loop {
                let counts = calls.wait();
                if counts {
                    thread::sleep(TICK);
                }
                if !look(counts) {
                    return;
                }
            }
        });
        let _ = running.recv();
        clock
    }

    /// Counts until the value that it returns is dropped.
    #[must_use]
    pub(crate) fn run(&self) -> Running {
        *self.0.running() += 1;
        self.0.began.notify_one();
        Running(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_counts_while_any_call_runs_and_stands_still_otherwise() {
        let (counted, ticks) = mpsc::sync_channel(0);
        let clock = Clock::counting(move |counts| !counts || counted.send(()).is_ok());
        let next = |within| ticks.recv_timeout(within).is_ok();
        // That nothing happens is no event.
        assert!(!next(TICK * 5));
        let (first, second) = (clock.run(), clock.run());
        drop(first);
        assert!((0..3).all(|_| next(LOOK)), "the second call runs");
        drop(second);
        // One may have been on its way, and be waiting for its reader. A busy machine takes its time.
        next(TICK * 100);
        assert!(!next(TICK * 5));
        let _third = clock.run();
        assert!(next(LOOK));
    }
}
