//! Work side by side. The first failure ends it all.

use crate::Result;
use std::{
    sync::{Arc, Mutex, mpsc},
    thread,
};

/// A strand of work, and its name in the message of a failure.
pub struct Lane {
    name: &'static str,
    work: Box<dyn FnOnce() -> Result<()> + Send>,
}

impl Lane {
    /// Makes a lane of `work`.
    pub fn new(name: &'static str, work: impl FnOnce() -> Result<()> + Send + 'static) -> Self {
        Self { name, work: Box::new(work) }
    }
}

/// Runs all lanes, each in a thread of its own, and returns when the last is done.
///
/// # Errors
/// The first failure, at once. The other lanes keep running, and their programs end with this process
/// (see [`crate::process::ending_with_us`]): the caller must end the process.
pub fn side_by_side(lanes: Vec<Lane>) -> Result<()> {
    let (ended, endings) = mpsc::channel();
    let count = lanes.len();
    for lane in lanes {
        let ended = ended.clone();
        thread::spawn(move || {
            let name = lane.name;
            let work = std::panic::AssertUnwindSafe(lane.work);
            let result = std::panic::catch_unwind(work);
            let result = result.unwrap_or_else(|_| Err("panicked".into()));
            let _ = ended.send(result.map_err(|error| format!("{name}: {error}")));
        });
    }
    for _ in 0..count {
        endings.recv()??;
    }
    Ok(())
}

/// A value that one lane makes and that is used after all lanes.
pub struct Slot<T>(Arc<Mutex<Option<T>>>);

impl<T> Slot<T> {
    /// Stores a value.
    pub fn put(&self, value: T) {
        if let Ok(mut slot) = self.0.lock() {
            *slot = Some(value);
        }
    }

    /// Takes the value. `None` means that no lane stored one.
    #[must_use]
    pub fn take(&self) -> Option<T> {
        self.0.lock().ok().and_then(|mut slot| slot.take())
    }
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Clone for Slot<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_does_not_wait_for_the_others() {
        let (never, waits) = mpsc::channel::<()>();
        let lanes = vec![
            Lane::new("slow", move || Ok(waits.recv()?)),
            Lane::new("broken", || Err("no such thing".into())),
        ];
        let error = side_by_side(lanes).unwrap_err().to_string();
        assert_eq!(error, "broken: no such thing");
        drop(never);
    }

    #[test]
    fn a_panic_is_a_failure() {
        let error = side_by_side(vec![Lane::new("odd", || panic!("what"))]).unwrap_err();
        assert_eq!(error.to_string(), "odd: panicked");
    }
}
