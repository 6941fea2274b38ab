//! How a loaded plugin has fared: who fails too often in a row is not asked any more.

use std::sync::{Mutex, PoisonError};

/// Failures in a row after which a plugin is not asked until it is loaded anew.
pub(crate) const MOST_FAILURES: u32 = 5;

/// Since it was loaded.
#[derive(Default)]
pub(crate) struct Record(Mutex<Fared>);

/// Counts, as they stand.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fared {
    pub(crate) calls: u64,
    /// Traps and limits; an error that the plugin answers is an answer.
    pub(crate) failures: u64,
    in_a_row: u32,
    last: String,
}

impl Record {
    pub(crate) fn answered(&self) {
        let mut fared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        fared.calls += 1;
        fared.in_a_row = 0;
    }

    /// Says whether this was one too many.
    pub(crate) fn failed(&self, why: &str) -> bool {
        let mut fared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        fared.calls += 1;
        fared.failures += 1;
        fared.in_a_row = fared.in_a_row.saturating_add(1);
        why.clone_into(&mut fared.last);
        fared.in_a_row == MOST_FAILURES
    }

    pub(crate) fn fared(&self) -> Fared {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Fared {
    /// Why it is not asked any more.
    pub(crate) fn disabled(&self) -> Option<String> {
        (self.in_a_row >= MOST_FAILURES).then(|| {
            format!("it failed {} times in a row; the last time: {}", self.in_a_row, self.last)
        })
    }
}
