//! The plan of a release, by its strategy.

use super::{Plan, parts::Previous, rolling::rolling, tracked::tracked};
use crate::{cluster::RolloutOrder, hook::Hook, job::Release, runtime::Track};
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
