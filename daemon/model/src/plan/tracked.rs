//! Blue-green and canary releases as plans: the new version comes up on a track of its own, and gets requests step by
//! step.

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
    runtime::{Strategy, StrategyKind, Track, Traffic},
};
use std::{collections::BTreeMap, time::Duration};

/// A release that comes up beside another one, in one cluster.
struct Beside<'a> {
    next: &'a Release,
    /// The release that serves.
    serving: &'a Release,
    /// Track of the release that serves.
    from: Track,
}

impl Beside<'_> {
    /// Returns the new pods alone, in percent of those that serve.
    fn aside(&self, percent: u32) -> Release {
        self.next.aside(self.from, percent)
    }
}

/// Plans a release whose new version runs beside the old one before it gets requests.
///
/// A cluster in which nothing serves gets the whole release at once: there are no requests to share. Where clusters
/// follow each other, the first one that serves shows whether the version is well, and the others are switched at
/// once. Hooks run as [`super::rolling()`] has them.
pub(super) fn tracked(
    next: &Release,
    order: RolloutOrder,
    previous: &BTreeMap<String, Previous>,
    hooks: &[Hook],
) -> Plan {
    let places: Vec<_> = next.each().collect();
    let strategy = &next.runtime.strategy;
    let mut forward = Vec::new();
    match order {
        RolloutOrder::Sequential => {
            let mut strategy = strategy.clone();
            for place in places.chunks(1) {
                forward.extend(group(place, &strategy, previous, hooks));
                // A first release shares no requests, so that it shows nothing.
                if place.iter().any(|next| beside(next, previous).is_some()) {
                    // Its keys for the time after the release stay.
                    strategy = strategy.at_once();
                }
            }
        }
        RolloutOrder::Parallel => forward.extend(group(&places, strategy, previous, hooks)),
    }
    forward.extend(clean_up(&places, previous, |place| after(place, previous)));
    let is_beside = |place: &Release| beside(place, previous).is_some();
    let back = places.iter().filter_map(|place| undo(place, previous, is_beside(place)));
    Plan { forward, rollback: flat(parallel(back)), release: next.clone() }
}

/// Returns a release beside the one that serves in its cluster. `None` means that there are no requests to share:
/// nothing serves there, nothing is known of what serves, or it has no `web`.
fn beside<'a>(next: &'a Release, previous: &'a BTreeMap<String, Previous>) -> Option<Beside<'a>> {
    match previous.get(next.cluster())? {
        Previous::Release(serving) => {
            serving.runtime.web()?;
            // The release may serve in further clusters, on other tracks.
            Some(Beside { next, serving, from: serving.track_in(next.cluster()) })
        }
        Previous::Unmanaged => None,
    }
}

/// Returns the steps in clusters that go together.
fn group(
    places: &[Release],
    strategy: &Strategy,
    previous: &BTreeMap<String, Previous>,
    hooks: &[Hook],
) -> Vec<Step> {
    let all_beside: Vec<_> = places.iter().filter_map(|next| beside(next, previous)).collect();
    let mut steps = Vec::new();
    if shares_by_pods(strategy) {
        // The Service is going to select all versions: what is kept of one before them would get requests too.
        let kept = all_beside.iter().filter(|one| one.serving.runtime.strategy.keep_seconds > 0);
        steps.extend(parallel(kept.map(|one| prune(&one.serving.at(&one.next.clusters)))));
    }
    let all = |phase| places.iter().flat_map(move |next| hooks_at(hooks, phase, next));
    let mut before: Vec<_> = places.iter().flat_map(migration).collect();
    before.extend(all(HookPhase::BeforeTraffic));
    if !before.is_empty() {
        let prepare = |next: &Release| {
            // The Service of the whole release would lead to pods that are not there yet.
            let release = beside(next, previous).map_or_else(|| next.clone(), |one| one.aside(0));
            Step::Change(Change::Prepare(Box::new(release)))
        };
        steps.extend(parallel(places.iter().map(prepare)));
        steps.extend(before);
    }
    steps.extend(share(&all_beside, strategy));
    steps.extend(parallel(places.iter().map(apply)));
    steps.extend(parallel(places.iter().map(healthy)));
    steps.extend(all(HookPhase::AfterRelease));
    steps
}

/// Returns the steps by which the new version gets all requests. No releases give none.
fn share(all: &[Beside<'_>], strategy: &Strategy) -> Vec<Step> {
    let mut steps = Vec::new();
    if all.is_empty() {
        return steps;
    }
    let within = Duration::from_secs(strategy.hold_seconds.into());
    let hold = |release| Step::Hold { release: Box::new(release), within };
    let holds = strategy.hold_seconds > 0;
    for (index, weight) in strategy.steps().into_iter().enumerate() {
        let percent = strategy.pods_percent(weight);
        let aside = || all.iter().map(move |one| one.aside(percent));
        let gate = gate(all, strategy, weight);
        // From the second step on the Service selects new pods as soon as they are ready.
        let pods_get_requests = index > 0 && shares_by_pods(strategy);
        let (first, gate) = if pods_get_requests { (gate, None) } else { (None, gate) };
        steps.extend(first);
        steps.extend(parallel(aside().map(|release| apply(&release))));
        steps.extend(parallel(aside().map(|release| healthy(&release))));
        if index == 0 && strategy.check.is_some() {
            let check = |release| Step::Check { release: Box::new(release) };
            steps.extend(parallel(aside().map(check)));
        }
        if holds && strategy.kind == StrategyKind::BlueGreen {
            steps.extend(parallel(aside().map(hold)));
        }
        steps.extend(gate);
        let shift = |one: &Beside<'_>| {
            let release = Box::new(one.next.clone());
            Step::Change(Change::Shift { release, from: one.from, weight })
        };
        steps.extend(parallel(all.iter().map(shift)));
        if holds && weight < 100 {
            steps.extend(parallel(aside().map(hold)));
        }
    }
    steps
}

/// Returns whether the numbers of pods make the shares.
fn shares_by_pods(strategy: &Strategy) -> bool {
    strategy.kind == StrategyKind::Canary && strategy.traffic == Traffic::Replicas
}

/// Returns the wait for an approval of a weight, one for all clusters. `None` means that it needs none.
fn gate(all: &[Beside<'_>], strategy: &Strategy, weight: u32) -> Option<Step> {
    let first = all.first().filter(|_| strategy.gates.contains(&weight))?;
    let clusters: Vec<_> = all.iter().map(|one| one.next.cluster().to_owned()).collect();
    let release = first.aside(strategy.pods_percent(weight)).at(&clusters);
    let within = Duration::from_secs(strategy.gate_seconds.into());
    Some(Step::Gate { release: Box::new(release), weight, within })
}

/// Returns the step after all: the old version's pods go, or are kept for a while.
fn after(next: &Release, previous: &BTreeMap<String, Previous>) -> Step {
    let keep = next.runtime.strategy.keep_seconds;
    match previous.get(next.cluster()) {
        Some(Previous::Release(_)) if keep > 0 => {
            let within = Duration::from_secs(keep.into());
            Step::Keep { release: Box::new(next.clone()), within }
        }
        _ => prune(next),
    }
}

#[cfg(test)]
mod tests;
