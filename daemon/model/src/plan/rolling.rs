//! The rolling update as a plan.

use super::{
    Change, Plan, Step, flat,
    migration::migration,
    parallel,
    parts::{Previous, apply, clean_up, healthy, hooks_at, prune, undo},
};
use crate::{
    cluster::RolloutOrder,
    hook::{Hook, HookPhase},
    job::Release,
};
use std::collections::BTreeMap;

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
        let mut before: Vec<_> = places.iter().flat_map(migration).collect();
        before.extend(all(HookPhase::BeforeTraffic));
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
    forward.extend(clean_up(&places, previous, prune));
    // In all clusters at once, whatever the order forward was: a broken app is to serve again soon.
    let back = places.iter().filter_map(|next| undo(next, previous, false));
    Plan { forward, rollback: flat(parallel(back)), release: next.clone() }
}
