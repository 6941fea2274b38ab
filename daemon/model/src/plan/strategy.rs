//! The plan of a release, by its strategy.

use super::{Plan, parts::Previous, rolling::rolling, tracked::tracked};
use crate::{
    cluster::RolloutOrder,
    hook::Hook,
    job::Release,
    runtime::{StrategyKind, Track},
};
use std::collections::BTreeMap;

/// Plans a release by its strategy. `previous` has what serves, by cluster. `hooks` run before traffic and after the
/// release, in order, and once per cluster, since clusters may have separate databases.
#[must_use]
pub fn plan(
    next: &Release,
    order: RolloutOrder,
    previous: &BTreeMap<String, Previous>,
    hooks: &[Hook],
) -> Plan {
    let mut next = next.clone();
    if takes_kept_pods(&next, previous) {
        next.runtime.strategy.kind = StrategyKind::BlueGreen;
    }
    next.runtime.tracks = next
        .clusters
        .iter()
        .filter_map(|cluster| match previous.get(cluster)? {
            Previous::Release(serving) => {
                Some((cluster.clone(), track_beside(&next, serving, cluster)))
            }
            Previous::Unmanaged => None,
        })
        .filter(|(_, track)| !track.is_plain())
        .collect();
    if comes_beside(&next) {
        tracked(&next, order, previous, hooks)
    } else {
        rolling(&next, order, previous, hooks)
    }
}

/// Returns whether a rolling release that comes back may find its pods where it left them, beside those of a release that
/// keeps them for a while. They take the requests at once, where a rolling update would replace all that serve, and delete
/// them.
fn takes_kept_pods(next: &Release, previous: &BTreeMap<String, Previous>) -> bool {
    let strategy = &next.runtime.strategy;
    let may_be_kept = |cluster: &String| match previous.get(cluster) {
        Some(Previous::Release(serving)) => {
            let theirs = &serving.runtime.strategy;
            let keeps = theirs.has_tracks() && theirs.keep_seconds > 0;
            keeps && next.track_in(cluster) != serving.track_in(cluster)
        }
        Some(Previous::Unmanaged) | None => false,
    };
    strategy.at_once
        && strategy.kind == StrategyKind::Rolling
        && can_stand_beside(next)
        && next.clusters.iter().any(may_be_kept)
}

/// Returns whether two versions of a release's `web` can run side by side. A spec of a strategy with tracks is refused
/// where they cannot.
fn can_stand_beside(next: &Release) -> bool {
    let is_free = |name: &str| next.runtime.process(name).is_none();
    next.runtime.web().is_some_and(|web| {
        // Nobody knows here how many pods may have a claim that somebody else made.
        let is_shared = web.recreate(StrategyKind::Rolling, &|_, _| false).is_none();
        !web.stateful && web.schedule.is_none() && is_shared
    }) && ["blue", "green", "preview"].into_iter().all(is_free)
}

/// Returns whether the pods of a release's `web` come up beside those that serve.
fn comes_beside(next: &Release) -> bool {
    next.runtime.strategy.has_tracks() && next.runtime.web().is_some_and(|web| !web.stateful)
}

/// Returns the track of a release in a cluster in which another one serves.
fn track_beside(next: &Release, serving: &Release, cluster: &str) -> Track {
    let taken = serving.track_in(cluster);
    if next.runtime.web().is_some_and(|web| web.stateful) {
        // Claims have the StatefulSet's name: on another track its pods would have none of their data.
        return Track::Plain;
    }
    if !comes_beside(next) {
        return taken;
    }
    // A version that served before may still have its pods, and a rollback takes them as they are.
    let before = next.track_in(cluster);
    if next.runtime.strategy.at_once && before != taken { before } else { taken.other() }
}
