//! Parts that plans have in common: the steps of one cluster, and its rollback.

use super::{Change, Step, parallel};
use crate::{
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

/// Returns the steps by which what a release no longer has goes in its clusters, each by `delete`. They are the last ones,
/// so that a rollback still finds what the previous release has. Where nobody knows what serves, a prune leads all requests
/// to the release: that comes before the others.
pub(super) fn clean_up(
    places: &[Release],
    previous: &BTreeMap<String, Previous>,
    delete: impl Fn(&Release) -> Step,
) -> Vec<Step> {
    let is_unknown =
        |place: &&Release| matches!(previous.get(place.cluster()), Some(Previous::Unmanaged));
    let (unknown, known): (Vec<_>, Vec<_>) = places.iter().partition(is_unknown);
    let together = |places: Vec<&Release>| parallel(places.into_iter().map(&delete));
    [unknown, known].into_iter().filter_map(together).collect()
}

/// Returns the steps of a phase's hooks in one cluster.
pub(super) fn hooks_at(hooks: &[Hook], phase: HookPhase, next: &Release) -> Vec<Step> {
    let hooks = hooks.iter().filter(|hook| hook.phase == phase);
    let step =
        |hook: &Hook| Step::Hook { hook: Box::new(hook.clone()), release: Box::new(next.clone()) };
    hooks.map(step).collect()
}

/// Returns the rollback in one cluster. `None` means that nothing can be restored there. `is_beside` says that the new
/// version comes up beside the previous one, whose pods stay.
pub(super) fn undo(
    next: &Release,
    previous: &BTreeMap<String, Previous>,
    is_beside: bool,
) -> Option<Step> {
    match previous.get(next.cluster()) {
        Some(Previous::Release(good)) => {
            let good = good.at(&next.clusters);
            // Pruned before the wait: a quota or an autoscaler that only the failed release has would keep
            // pods from coming back.
            let back = if is_beside { switch_back(&good) } else { restore(&good) };
            Some(Step::Sequence(vec![back, prune(&good), healthy(&good)]))
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

fn switch_back(release: &Release) -> Step {
    Step::Change(Change::SwitchBack(Box::new(release.clone())))
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
        // An autoscaler may have made them more than `replicas`, which is its least number.
        let most = process.autoscale.as_ref().map_or(0, |autoscale| autoscale.max);
        let pods = process.replicas.max(most);
        // A quarter more at once.
        let waves = if process.ordered { pods } else { pods.min(5) };
        u64::from(process.progress_deadline_seconds()) * u64::from(waves.max(1))
    });
    Duration::from_secs(longest.max().unwrap_or(300))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{runtime::Autoscale, samples};

    #[test]
    fn a_rollout_has_time_for_all_pods_that_there_may_be() {
        for (replicas, max, ordered, waves) in [
            (1, None, false, 1),
            (3, None, false, 3),
            (12, None, false, 5),
            (12, None, true, 12),
            (1, Some(2), false, 2),
            (1, Some(20), false, 5),
            (1, Some(20), true, 20),
            // What no spec says, and a journal may hold.
            (3, Some(1), false, 3),
            (0, None, false, 1),
        ] {
            let mut release = samples::release();
            for process in &mut release.runtime.processes {
                process.replicas = replicas;
                process.ordered = ordered;
                process.autoscale = max.map(|max| Autoscale { max, cpu: Some(70), memory: None });
            }
            let within = progress_deadline(&release).as_secs();
            assert_eq!(within, 300 * waves, "{replicas} {max:?} {ordered}");
        }
    }
}
