//! How a loaded plugin has fared: who fails too often in a row is not asked any more.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

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
    /// Failures in a row and the last one's words, by project: what one tenant's repositories bring
    /// a plugin to must not take it away from others.
    streaks: BTreeMap<String, (u32, String)>,
}

impl Record {
    pub(crate) fn answered(&self, project: &str) {
        let mut fared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        fared.calls += 1;
        fared.streaks.remove(project);
    }

    /// Says whether this was one too many.
    pub(crate) fn failed(&self, project: &str, why: &str) -> bool {
        let mut fared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        fared.calls += 1;
        fared.failures += 1;
        let streak = fared.streaks.entry(project.into()).or_default();
        streak.0 = streak.0.saturating_add(1);
        why.clone_into(&mut streak.1);
        streak.0 == MOST_FAILURES
    }

    pub(crate) fn fared(&self) -> Fared {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Why it is not asked any more in a project.
    pub(crate) fn disabled_in(&self, project: &str) -> Option<String> {
        let fared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        fared.streaks.get(project).and_then(words)
    }
}

impl Fared {
    /// In which projects it is not asked any more, and why.
    pub(crate) fn disabled(&self) -> Option<String> {
        let all: Vec<_> = self
            .streaks
            .iter()
            .filter_map(|(project, streak)| Some(format!("in `{project}`: {}", words(streak)?)))
            .collect();
        (!all.is_empty()).then(|| all.join("; "))
    }
}

fn words((times, last): &(u32, String)) -> Option<String> {
    (*times >= MOST_FAILURES)
        .then(|| format!("it failed {times} times in a row; the last time: {last}"))
}
