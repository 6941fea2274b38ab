//! A release gives way to a newer job of its app until all requests are switched to it, or until it
//! changes data or replaces pods.

use crate::run::Run;
use std::mem;
use windlass_model::plan::Plan;

/// Time in which a newer job may end a release. It ends with this value, too, whatever ends the run.
pub(super) struct GivingWay<'a> {
    run: &'a Run,
    is_on: bool,
    /// Index of the step that switches all requests, changes data, or replaces the pods that serve. `None` means that the
    /// plan gives way at no time.
    switch: Option<usize>,
}

impl<'a> GivingWay<'a> {
    /// Begins with the first `taken` steps of a plan taken or begun.
    pub(super) fn begin(run: &'a Run, plan: &Plan, taken: usize) -> Self {
        let switch = plan.switch_step();
        let is_on = switch.is_some_and(|switch| taken <= switch);
        if is_on {
            run.gives_way(true);
        } else if switch.is_some() {
            run.note_switch();
        }
        Self { run, is_on, switch }
    }

    /// Returns whether a step is the one that switches all requests.
    pub(super) fn ends_at(&self, step: usize) -> bool {
        self.is_on && self.switch == Some(step)
    }

    /// Lets no newer job end the release from now on.
    pub(super) fn end(&mut self) {
        if mem::take(&mut self.is_on) {
            self.run.gives_way(false);
        }
    }
}

impl Drop for GivingWay<'_> {
    fn drop(&mut self) {
        self.end();
    }
}
