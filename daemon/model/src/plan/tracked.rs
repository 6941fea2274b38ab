//! Blue-green and canary releases as plans: the new version comes up on a track of its own, and gets requests step by
//! step.

use super::{
    Change, Plan, Step, flat, parallel,
    rolling::{Previous, apply, healthy, hooks_at, prune, undo},
};
use crate::{
    cluster::RolloutOrder,
    hook::{Hook, HookPhase},
    job::Release,
    runtime::{Strategy, StrategyKind},
};
use std::{collections::BTreeMap, time::Duration};

/// Plans a release whose new version runs beside the old one before it gets requests.
///
/// A cluster in which nothing serves gets the whole release at once: there are no requests to share. Where clusters
/// follow each other, the first one shows whether the version is well, and the others are switched at once. Hooks run
/// as [`super::rolling`] has them.
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
                // Its keys for the time after the release stay.
                strategy = strategy.at_once();
            }
        }
        RolloutOrder::Parallel => forward.extend(group(&places, strategy, previous, hooks)),
    }
    // Last, so that a rollback still finds the pods of the previous release.
    forward.extend(parallel(places.iter().map(|place| after(place, previous))));
    let back = places.iter().filter_map(|place| undo(place, previous));
    Plan { forward, rollback: flat(parallel(back)), release: next.clone() }
}

/// Returns the steps in clusters that go together.
fn group(
    places: &[Release],
    strategy: &Strategy,
    previous: &BTreeMap<String, Previous>,
    hooks: &[Hook],
) -> Vec<Step> {
    // The releases beside which the new ones come up.
    let beside: Vec<_> = places
        .iter()
        .filter_map(|next| match previous.get(next.cluster())? {
            Previous::Release(serving) => Some((next, serving.track())),
            Previous::Unmanaged => None,
        })
        .collect();
    let aside = |percent| beside.iter().map(move |(next, from)| next.aside(*from, percent));
    let mut steps = Vec::new();
    let all = |phase| places.iter().flat_map(move |next| hooks_at(hooks, phase, next));
    let before: Vec<_> = all(HookPhase::BeforeTraffic).collect();
    if !before.is_empty() {
        let prepare = |next: &Release| {
            let serving = beside.iter().find(|(one, _)| one.cluster() == next.cluster());
            // The Service of the whole release would lead to pods that are not there yet.
            let release = serving.map_or_else(|| next.clone(), |(_, from)| next.aside(*from, 0));
            Step::Change(Change::Prepare(Box::new(release)))
        };
        steps.extend(parallel(places.iter().map(prepare)));
        steps.extend(before);
    }
    if !beside.is_empty() {
        for (index, weight) in strategy.steps().into_iter().enumerate() {
            let percent = strategy.pods_percent(weight);
            steps.extend(parallel(aside(percent).map(|release| apply(&release))));
            steps.extend(parallel(aside(percent).map(|release| healthy(&release))));
            if index == 0 && strategy.check.is_some() {
                let check = |release| Step::Check { release: Box::new(release) };
                steps.extend(parallel(aside(percent).map(check)));
            }
            let hold = Duration::from_secs(strategy.hold_seconds.into());
            let hold = |release| Step::Hold { release: Box::new(release), within: hold };
            let holds = strategy.hold_seconds > 0;
            if holds && strategy.kind == StrategyKind::BlueGreen {
                steps.extend(parallel(aside(percent).map(hold)));
            }
            if strategy.gates.contains(&weight) {
                let clusters: Vec<_> =
                    beside.iter().map(|(next, _)| next.cluster().to_owned()).collect();
                let within = Duration::from_secs(strategy.gate_seconds.into());
                let first = beside.first().map(|(next, from)| next.aside(*from, percent));
                steps.extend(first.map(|first| Step::Gate {
                    release: Box::new(first.at(&clusters)),
                    weight,
                    within,
                }));
            }
            let shift = |(next, from): &(&Release, _)| {
                let release = Box::new((*next).clone());
                Step::Change(Change::Shift { release, from: *from, weight })
            };
            steps.extend(parallel(beside.iter().map(shift)));
            if holds && weight < 100 {
                steps.extend(parallel(aside(percent).map(hold)));
            }
        }
    }
    steps.extend(parallel(places.iter().map(apply)));
    steps.extend(parallel(places.iter().map(healthy)));
    steps.extend(all(HookPhase::AfterRelease));
    steps
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
