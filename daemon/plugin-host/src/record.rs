//! How a loaded plugin has fared: who fails too often in a row is not asked any more.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

/// Failures in a row after which a plugin is not asked until it is loaded anew.
pub(crate) const MOST_FAILURES: u32 = 5;

/// Different things done that are remembered, the last ones.
const MOST_DONE: usize = 50;

/// Since it was loaded.
#[derive(Default)]
pub(crate) struct CircuitBreaker(Mutex<Stats>);

/// Counts, as they stand.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stats {
    pub(crate) calls: u64,
    /// Traps and limits; an error that the plugin answers is an answer.
    pub(crate) failures: u64,
    /// Failures in a row and the last one's words, by project: what one tenant's repositories bring
    /// a plugin to must not take it away from others.
    streaks: BTreeMap<String, (u32, String)>,
    /// What it did outside of its memory, and how often; the last ones last.
    done: Vec<(String, u64)>,
}

impl CircuitBreaker {
    /// As if it had just been loaded.
    pub(crate) fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Stats::default();
    }

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

    /// It did something, or was refused it.
    pub(crate) fn did(&self, capability: &str, what: &str, denied: bool) {
        let mut fared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let denied = if denied { " (denied)" } else { "" };
        let words = format!("{capability}: {what}{denied}");
        let at = fared.done.iter().position(|(own, _)| *own == words);
        let times = at.map_or(0, |at| fared.done.remove(at).1);
        if fared.done.len() >= MOST_DONE {
            fared.done.remove(0);
        }
        fared.done.push((words, times + 1));
    }

    pub(crate) fn fared(&self) -> Stats {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Why it is not asked any more in a project.
    pub(crate) fn disabled_in(&self, project: &str) -> Option<String> {
        let fared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        fared.streaks.get(project).and_then(words)
    }
}

impl Stats {
    /// What it did, and how often.
    pub(crate) fn done(&self) -> Vec<String> {
        let words = |(what, times): &(String, u64)| format!("{what}, {times} times");
        self.done.iter().rev().map(words).collect()
    }

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
