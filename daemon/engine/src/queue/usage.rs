//! Use of slots, as operators look at it.

use super::{
    entry::Entry,
    need::{Kind, Limits},
};

/// Use of the queue now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Jobs that have begun and not ended, without those that wait for an approval before their plan.
    pub running: usize,
    /// Number of jobs that may run at once.
    pub limit: usize,
    /// Jobs that have not begun.
    pub waiting: usize,
    /// Jobs that wait for an approval before their plan.
    pub held: usize,
    /// Slots of each kind. Those of releases are listed for each cluster.
    pub slots: Vec<SlotUsage>,
}

/// Use of the slots of one kind, in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotUsage {
    pub kind: Kind,
    /// Cluster of a release's slots. `None` means that the work is done in no cluster.
    pub cluster: Option<String>,
    /// Number of slots.
    pub limit: usize,
    /// Slots that jobs have.
    pub taken: usize,
    /// Jobs that ask for one.
    pub waiting: usize,
}

/// Counts jobs and slots.
pub(super) fn usage<'a>(
    limits: Limits,
    jobs: impl Iterator<Item = &'a Entry> + Clone,
    clusters: &[String],
) -> Usage {
    let slots = |kind: Kind, cluster: Option<&String>| {
        let place = cluster.map(String::as_str).unwrap_or_default();
        let held = jobs.clone().filter_map(|job| job.held.as_ref());
        let asked = jobs.clone().filter_map(|job| job.asks.as_ref());
        SlotUsage {
            kind,
            cluster: cluster.cloned(),
            limit: limits.of(kind),
            taken: held
                .filter(|held| held.need.kind() == kind && held.need.places().contains(&place))
                .count(),
            waiting: asked
                .filter(|ask| ask.need.kind() == kind && ask.need.places().contains(&place))
                .count(),
        }
    };
    let work = [Kind::Checkout, Kind::Build].into_iter().map(|kind| slots(kind, None));
    let releases = clusters.iter().map(|cluster| slots(Kind::Release, Some(cluster)));
    Usage {
        running: jobs.clone().filter(|job| job.runs).count(),
        limit: limits.running.max(1),
        waiting: jobs.clone().filter(|job| job.never_began() && job.gate.is_none()).count(),
        held: jobs.clone().filter(|job| job.gate.is_some()).count(),
        slots: work.chain(releases).collect(),
    }
}
