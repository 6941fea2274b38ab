//! The circuit breaker of a loaded plugin: one that fails too often in a row is not asked any more.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

/// Failures in a row after which a plugin is not asked until it is loaded again.
pub(crate) const MOST_FAILURES: u32 = 5;

/// Different things done that are remembered, the last ones.
const MOST_DONE: usize = 50;

/// Counts of a plugin's calls since it was loaded.
#[derive(Default)]
pub(crate) struct CircuitBreaker(Mutex<Stats>);

/// Counts at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stats {
    pub(crate) calls: u64,
    /// Traps and limits; an error that the plugin answers is an answer.
    pub(crate) failures: u64,
    /// Failures in a row and the last one's words, by project: what one tenant's repositories bring
    /// a plugin to must not take it away from others.
    streaks: BTreeMap<String, (u32, String)>,
    /// Effects outside of its memory, each with a count, the last ones last.
    done: Vec<(String, u64)>,
}

impl CircuitBreaker {
    /// Forgets all calls, as if it had just been loaded.
    pub(crate) fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Stats::default();
    }

    /// Counts a call that was answered.
    pub(crate) fn answered(&self, project: &str) {
        let mut stats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        stats.calls += 1;
        stats.streaks.remove(project);
    }

    /// Counts a failure, and returns whether this was one too many.
    pub(crate) fn failed(&self, project: &str, why: &str) -> bool {
        let mut stats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        stats.calls += 1;
        stats.failures += 1;
        let streak = stats.streaks.entry(project.into()).or_default();
        streak.0 = streak.0.saturating_add(1);
        why.clone_into(&mut streak.1);
        streak.0 == MOST_FAILURES
    }

    /// Counts an effect, or a refused one.
    pub(crate) fn did(&self, capability: &str, what: &str, denied: bool) {
        let mut stats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let denied = if denied { " (denied)" } else { "" };
        let words = format!("{capability}: {what}{denied}");
        let at = stats.done.iter().position(|(own, _)| *own == words);
        let times = at.map_or(0, |at| stats.done.remove(at).1);
        if stats.done.len() >= MOST_DONE {
            stats.done.remove(0);
        }
        stats.done.push((words, times + 1));
    }

    pub(crate) fn stats(&self) -> Stats {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns why it is not asked any more in a project. `None` means that it is.
    pub(crate) fn disabled_in(&self, project: &str) -> Option<String> {
        let stats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        stats.streaks.get(project).and_then(words)
    }
}

impl Stats {
    /// Returns its effects, each with a count, the last first.
    pub(crate) fn done(&self) -> Vec<String> {
        let words = |(what, times): &(String, u64)| format!("{what}, {times} times");
        self.done.iter().rev().map(words).collect()
    }

    /// Returns the projects in which it is not asked any more, and why. `None` means that there are none.
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
