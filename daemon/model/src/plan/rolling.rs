//! The rolling update as a plan.

use super::{Change, Plan, Step, flat, together};
use crate::{
    cluster::RolloutOrder,
    hook::{Hook, HookPhase},
    job::Release,
};
use std::{collections::BTreeMap, time::Duration};

/// What serves in a cluster when a plan is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Previous {
    /// The journal knows it.
    Release(Box<Release>),
    /// Something serves that the journal does not know: an app of before, or a cluster that was called
    /// otherwise.
    Unmanaged,
}

/// Pods are replaced one by one; the old ones go as new ones are ready. `before`: what served last, by
/// cluster. `hooks`: those before traffic and after the release, in order; each cluster has its own
/// database, as far as anybody knows, so each is asked in each.
#[must_use]
pub fn rolling(
    next: &Release,
    order: RolloutOrder,
    before: &BTreeMap<String, Previous>,
    hooks: &[Hook],
) -> Plan {
    let places: Vec<_> = next.each().collect();
    let at = |phase, next: &Release| -> Vec<_> {
        let hooks = hooks.iter().filter(|hook| hook.phase == phase);
        let step = |hook: &Hook| Step::Hook {
            hook: Box::new(hook.clone()),
            release: Box::new(next.clone()),
        };
        hooks.map(step).collect()
    };
    let group = |places: &[Release]| {
        let mut steps = Vec::new();
        let all = |phase| places.iter().flat_map(move |next| at(phase, next));
        let before: Vec<_> = all(HookPhase::BeforeTraffic).collect();
        if !before.is_empty() {
            let prepare = |next: &Release| Step::Change(Change::Prepare(Box::new(next.clone())));
            steps.extend(together(places.iter().map(prepare)));
            steps.extend(before);
        }
        steps.extend(together(places.iter().map(apply)));
        steps.extend(together(places.iter().map(healthy)));
        steps.extend(all(HookPhase::AfterRelease));
        steps
    };
    let mut forward: Vec<_> = match order {
        RolloutOrder::Sequential => places.chunks(1).flat_map(group).collect(),
        RolloutOrder::Parallel => group(&places),
    };
    // Last, so that a way back finds what it leads to still there.
    forward.extend(together(places.iter().map(prune)));
    // Back at once, in whatever order it went forward: what is broken is to be whole soon.
    let undo = places.iter().filter_map(|next| match before.get(next.cluster()) {
        Some(Previous::Release(good)) => {
            let good = good.at(&next.clusters);
            // What only the failed release has goes before the wait: a quota of its own, or an autoscaler,
            // would keep pods from coming back.
            Some(Step::Sequence(vec![restore(&good), prune(&good), healthy(&good)]))
        }
        // Nobody knows how to put it back; its old pods go only as new ones are ready.
        Some(Previous::Unmanaged) => None,
        None => Some(Step::Change(Change::ScaleToZero(Box::new(next.clone())))),
    });
    Plan { forward, rollback: flat(together(undo)), release: next.clone() }
}

fn apply(release: &Release) -> Step {
    Step::Change(Change::Apply(Box::new(release.clone())))
}

fn restore(release: &Release) -> Step {
    Step::Change(Change::Restore(Box::new(release.clone())))
}

fn prune(release: &Release) -> Step {
    Step::Change(Change::Prune(Box::new(release.clone())))
}

fn healthy(release: &Release) -> Step {
    Step::AwaitHealthy { release: Box::new(release.clone()), within: progress_deadline(release) }
}

/// How long a rollout may take to become healthy: each pod's time, for as many waves of pods as
/// there are. What is hopeless is called long before.
fn progress_deadline(release: &Release) -> Duration {
    let processes = release.runtime.processes.iter();
    let longest = processes.filter(|process| process.schedule.is_none()).map(|process| {
        let waves = match process.ordered {
            true => process.replicas,
            // A quarter more at once.
            false => process.replicas.min(5),
        };
        u64::from(process.progress_deadline_seconds()) * u64::from(waves.max(1))
    });
    Duration::from_secs(longest.max().unwrap_or(300))
}
