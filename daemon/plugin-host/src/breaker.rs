//! Circuit breaker of a loaded plugin: a plugin that fails too often in a row is not called any more.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

/// Failures in a row after which a plugin is not called until it is loaded again.
pub(crate) const MOST_FAILURES: u32 = 5;

/// Most effects that are remembered, the last ones.
const MOST_DONE: usize = 50;

/// Counts of a plugin's calls since it was loaded.
#[derive(Default)]
pub(crate) struct CircuitBreaker(Mutex<Stats>);

/// Copy of the counts at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stats {
    pub(crate) calls: u64,
    /// Traps and exceeded limits. An error that the plugin returns is an answer.
    pub(crate) failures: u64,
    /// Failures in a row and the last one's message, by project. Failures in one tenant's jobs must not
    /// disable the plugin for others.
    streaks: BTreeMap<String, (u32, String)>,
    /// Effects outside of the plugin's memory, each with a count, the last ones last.
    done: Vec<(String, u64)>,
}

impl CircuitBreaker {
    /// Forgets all calls, as after loading.
    pub(crate) fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Stats::default();
    }

    /// Counts a call that was answered.
    pub(crate) fn answered(&self, project: &str) {
        let mut stats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        stats.calls += 1;
        stats.streaks.remove(project);
    }

    /// Counts a failure, and returns whether it disables the plugin in the project.
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
        let text = format!("{capability}: {what}{denied}");
        let at = stats.done.iter().position(|(own, _)| *own == text);
        let times = at.map_or(0, |at| stats.done.remove(at).1);
        if stats.done.len() >= MOST_DONE {
            stats.done.remove(0);
        }
        stats.done.push((text, times + 1));
    }

    pub(crate) fn stats(&self) -> Stats {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the reason why the plugin is disabled in a project. `None` means that it is not.
    pub(crate) fn disabled_in(&self, project: &str) -> Option<String> {
        let stats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        stats.streaks.get(project).and_then(reason)
    }
}

impl Stats {
    /// Returns the effects, each with a count, the last first.
    pub(crate) fn done(&self) -> Vec<String> {
        let line = |(what, times): &(String, u64)| format!("{what}, {times} times");
        self.done.iter().rev().map(line).collect()
    }

    /// Returns the projects in which the plugin is disabled, and why. `None` means that there are none.
    pub(crate) fn disabled(&self) -> Option<String> {
        let all: Vec<_> = self
            .streaks
            .iter()
            .filter_map(|(project, streak)| Some(format!("in `{project}`: {}", reason(streak)?)))
            .collect();
        (!all.is_empty()).then(|| all.join("; "))
    }
}

fn reason((times, last): &(u32, String)) -> Option<String> {
    (*times >= MOST_FAILURES)
        .then(|| format!("it failed {times} times in a row; the last time: {last}"))
}
