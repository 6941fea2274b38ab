//! The rolling update as a plan.

use super::{Change, Plan, Step, flat, parallel};
use crate::{
    cluster::RolloutOrder,
    hook::{Hook, HookPhase},
    job::Release,
};
use std::{collections::BTreeMap, time::Duration};

/// The release that serves in a cluster when a plan is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Previous {
    /// A release of the journal.
    Release(Box<Release>),
    /// The cluster serves this app, but the journal has no release of it: it was deployed by another
    /// tool, or the cluster was renamed.
    Unmanaged,
}

/// Plans a rolling update: old pods end as new ones are ready. `previous` has what serves, by cluster.
/// `hooks` run before traffic and after the release, in order, and once per cluster, since clusters may
/// have separate databases.
#[must_use]
pub fn rolling(
    next: &Release,
    order: RolloutOrder,
    previous: &BTreeMap<String, Previous>,
    hooks: &[Hook],
) -> Plan {
    let places: Vec<_> = next.each().collect();
    let group = |places: &[Release]| {
        let mut steps = Vec::new();
        let all = |phase| places.iter().flat_map(move |next| hooks_at(hooks, phase, next));
        let before: Vec<_> = all(HookPhase::BeforeTraffic).collect();
        if !before.is_empty() {
            let prepare = |next: &Release| Step::Change(Change::Prepare(Box::new(next.clone())));
            steps.extend(parallel(places.iter().map(prepare)));
            steps.extend(before);
        }
        steps.extend(parallel(places.iter().map(apply)));
        steps.extend(parallel(places.iter().map(healthy)));
        steps.extend(all(HookPhase::AfterRelease));
        steps
    };
    let mut forward: Vec<_> = match order {
        RolloutOrder::Sequential => places.chunks(1).flat_map(group).collect(),
        RolloutOrder::Parallel => group(&places),
    };
    // Last, so that a rollback still finds the objects of the previous release.
    forward.extend(parallel(places.iter().map(prune)));
    // In all clusters at once, whatever the order forward was: a broken app is to serve again soon.
    let back = places.iter().filter_map(|next| undo(next, previous));
    Plan { forward, rollback: flat(parallel(back)), release: next.clone() }
}

/// Returns the steps of a phase's hooks in one cluster.
pub(super) fn hooks_at(hooks: &[Hook], phase: HookPhase, next: &Release) -> Vec<Step> {
    let hooks = hooks.iter().filter(|hook| hook.phase == phase);
    let step =
        |hook: &Hook| Step::Hook { hook: Box::new(hook.clone()), release: Box::new(next.clone()) };
    hooks.map(step).collect()
}

/// Returns the rollback in one cluster. `None` means that nothing can be restored there.
pub(super) fn undo(next: &Release, previous: &BTreeMap<String, Previous>) -> Option<Step> {
    match previous.get(next.cluster()) {
        Some(Previous::Release(good)) => {
            let good = good.at(&next.clusters);
            // Pruned before the wait: a quota or an autoscaler that only the failed release has would keep
            // pods from coming back.
            Some(Step::Sequence(vec![restore(&good), prune(&good), healthy(&good)]))
        }
        // It cannot be restored; its old pods end only as new ones are ready.
        Some(Previous::Unmanaged) => None,
        None => Some(Step::Change(Change::ScaleToZero(Box::new(next.clone())))),
    }
}

pub(super) fn apply(release: &Release) -> Step {
    Step::Change(Change::Apply(Box::new(release.clone())))
}

fn restore(release: &Release) -> Step {
    Step::Change(Change::Restore(Box::new(release.clone())))
}

pub(super) fn prune(release: &Release) -> Step {
    Step::Change(Change::Prune(Box::new(release.clone())))
}

pub(super) fn healthy(release: &Release) -> Step {
    Step::AwaitHealthy { release: Box::new(release.clone()), within: progress_deadline(release) }
}

/// Returns the time in which a rollout must become healthy: the time of one pod for each wave of pods. A
/// hopeless rollout fails long before.
fn progress_deadline(release: &Release) -> Duration {
    let processes = release.runtime.processes.iter();
    let longest = processes.filter(|process| process.schedule.is_none()).map(|process| {
        let waves = if process.ordered {
            process.replicas
        } else {
            // A quarter more at once.
            process.replicas.min(5)
        };
        u64::from(process.progress_deadline_seconds()) * u64::from(waves.max(1))
    });
    Duration::from_secs(longest.max().unwrap_or(300))
}
