//! The strategy that each process of a planned release follows, for people.

use super::{Change, Plan, Step};
use crate::runtime::{Process, Recreate, WEB};
use std::collections::BTreeSet;

impl Plan {
    /// Returns a line for each process of the release: the strategy that it follows, and the reason where the spec alone
    /// does not say it. Empty means that the plan replaces no pods.
    #[must_use]
    pub fn strategies(&self) -> Vec<String> {
        let changes = changes(&self.forward);
        if !changes.iter().any(|change| matches!(change, Change::Apply(_))) {
            return Vec::new();
        }
        let shifts = changes.iter().filter(|change| matches!(change, Change::Shift { .. }));
        let switched: BTreeSet<_> = shifts.map(|change| change.release().cluster()).collect();
        let line = |process: &Process| {
            let comes_beside = process.name == WEB
                && self.release.runtime.strategy.has_tracks()
                && !process.stateful
                && process.schedule.is_none();
            let strategy = if comes_beside {
                self.beside(&switched)
            } else {
                self.replaced(process, !switched.is_empty())
            };
            format!("{}: {strategy}", process.name)
        };
        self.release.runtime.processes.iter().map(line).collect()
    }

    /// Returns the strategy of a `web` that comes up beside the one that serves, where one does: in the clusters
    /// `switched`.
    fn beside(&self, switched: &BTreeSet<&str>) -> String {
        const ALONE: &str = "there is no release before to share requests with";
        let strategy = &self.release.runtime.strategy;
        let kind = strategy.kind;
        if switched.is_empty() {
            return format!("{kind}, all at once: {ALONE}");
        }
        let again =
            if strategy.at_once { ", in one switch, since it has served before" } else { "" };
        let clusters = self.release.clusters.iter().map(String::as_str);
        let others: Vec<_> = clusters.filter(|cluster| !switched.contains(cluster)).collect();
        if others.is_empty() {
            return format!("{kind}{again}");
        }
        format!("{kind}{again}; all at once in {}: {ALONE}", others.join(", "))
    }

    /// Returns the strategy of a process whose pods are replaced where they are. `follows` says that requests are switched
    /// before.
    fn replaced(&self, process: &Process, follows: bool) -> String {
        let after = if follows { ", after the switch" } else { "" };
        let gap = if process.port.is_some() {
            "nothing answers meanwhile"
        } else {
            "none of its pods runs meanwhile"
        };
        if process.schedule.is_some() {
            let after = if follows { " after the switch" } else { "" };
            return format!("the next run{after} has the new version");
        }
        if process.stateful {
            let is_alone = process.autoscale.is_none() && process.replicas < 2;
            let gap = if is_alone { format!(", and {gap}") } else { String::new() };
            return format!(
                "rolling{after}, since it is stateful: each pod ends before its new one starts{gap}"
            );
        }
        // Only the cluster knows whether pods can share an existing claim.
        match process.recreate(self.release.runtime.strategy.kind, &|_, _| false) {
            None => format!("rolling{after}"),
            Some(Recreate::Strategy) => format!("recreate{after}: {gap}"),
            Some(Recreate::Volume { name, access }) => {
                format!("recreate{after}, since volume {name} is {access}: {gap}")
            }
            Some(Recreate::Claim(claim)) => {
                format!("rolling{after} if pods can share the claim {claim}, else recreate: {gap}")
            }
        }
    }
}

/// Returns the changes of steps, in order.
fn changes(steps: &[Step]) -> Vec<&Change> {
    steps
        .iter()
        .flat_map(|step| match step {
            Step::Change(change) => vec![change],
            Step::Parallel(steps) | Step::Sequence(steps) => changes(steps),
            Step::Hook { .. }
            | Step::Migrate { .. }
            | Step::AwaitHealthy { .. }
            | Step::Check { .. }
            | Step::Hold { .. }
            | Step::Gate { .. }
            | Step::Keep { .. } => Vec::new(),
        })
        .collect()
}

#[cfg(test)]
mod tests;
