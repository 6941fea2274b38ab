//! Rules of every plan, over all strategies, orders, and states of two clusters.

use super::*;
use std::collections::BTreeSet;

/// Returns the single steps of a plan, in order.
fn leaves(steps: &[Step]) -> Vec<&Step> {
    steps
        .iter()
        .flat_map(|step| match step {
            Step::Parallel(steps) | Step::Sequence(steps) => leaves(steps),
            step => vec![step],
        })
        .collect()
}

/// Returns the single steps that concern a cluster, in order.
fn in_cluster<'a>(steps: &'a [Step], cluster: &str) -> Vec<&'a Step> {
    let is_there = |step: &&Step| {
        let mut clusters = step.releases().into_iter().flat_map(|release| &release.clusters);
        clusters.any(|name| name == cluster)
    };
    leaves(steps).into_iter().filter(is_there).collect()
}

/// Returns strategies of every kind, bare and with all that can be asked for.
fn strategies() -> Vec<Strategy> {
    let recreate = Strategy { kind: StrategyKind::Recreate, ..Strategy::default() };
    let mut all = vec![Strategy::default(), recreate, canary(Traffic::Replicas).at_once()];
    for strategy in [
        blue_green(),
        canary(Traffic::Gateway),
        canary(Traffic::Istio),
        canary(Traffic::Replicas),
        // What no spec resolves to, and a journal may hold.
        Strategy { weights: Vec::new(), ..canary(Traffic::Gateway) },
    ] {
        let gates = strategy.steps();
        all.push(Strategy { gates, keep_seconds: 60, ..careful(strategy.clone()) });
        all.push(strategy);
    }
    all
}

/// Returns states of a cluster. `None` means that nothing serves there.
fn states(cluster: &str) -> Vec<Option<Previous>> {
    let old = |track| {
        let mut old = served(cluster, track, blue_green());
        // It serves in another cluster, too, on another track.
        old.clusters.insert(0, "asia".into());
        old.runtime.tracks.insert("asia".into(), track.other());
        old
    };
    let mut without_web = old(Track::Plain);
    without_web.runtime.processes.clear();
    let releases = [old(Track::Plain), old(Track::Blue), old(Track::Green), without_web];
    let releases = releases.map(|release| Some(Previous::Release(Box::new(release))));
    [None, Some(Previous::Unmanaged)].into_iter().chain(releases).collect()
}

#[test]
fn every_plan_gives_requests_to_healthy_pods_alone_and_leads_back() {
    let mut count = 0;
    for strategy in strategies() {
        let next = release("new", &["eu", "us"], strategy);
        for (eu, us) in states("eu")
            .iter()
            .flat_map(|eu| states("us").into_iter().map(move |us| (eu.clone(), us)))
        {
            let known = [("eu", eu), ("us", us)].into_iter();
            let previous: BTreeMap<_, _> =
                known.filter_map(|(cluster, state)| Some((cluster.to_owned(), state?))).collect();
            for order in [RolloutOrder::Sequential, RolloutOrder::Parallel] {
                for hooks in [Vec::new(), hooks()] {
                    let plan = plan(&next, order, &previous, &hooks);
                    let json = serde_json::to_string(&plan).unwrap();
                    assert_eq!(serde_json::from_str::<Plan>(&json).unwrap(), plan);
                    for cluster in ["eu", "us"] {
                        forward(&plan, cluster, previous.get(cluster));
                        backward(&plan, cluster, previous.get(cluster));
                    }
                    count += 1;
                }
            }
        }
    }
    assert_eq!(count, 13 * 36 * 4);
}

/// Checks the steps forward in one cluster.
fn forward(plan: &Plan, cluster: &str, previous: Option<&Previous>) {
    let steps = in_cluster(&plan.forward, cluster);
    let text: Vec<_> = steps.iter().map(ToString::to_string).collect();
    let strategy = &plan.release.runtime.strategy;
    let serving = match previous {
        Some(Previous::Release(old)) if strategy.has_tracks() => {
            old.runtime.web().map(|_| old.track_in(cluster))
        }
        _ => None,
    };
    // Percentages of pods that were started and that are up, and of requests.
    let (mut started, mut up, mut shared, mut is_whole) = (0, 0, 0, false);
    for step in &steps {
        match step {
            Step::Change(Change::Apply(release)) => match release.runtime.aside {
                Some(aside) => {
                    assert_eq!(Some(aside.from), serving, "{text:#?}");
                    assert!(aside.percent >= started.max(1), "{text:#?}");
                    started = aside.percent;
                }
                None => {
                    assert!(serving.is_none() || shared == 100, "whole before 100 %: {text:#?}");
                }
            },
            Step::AwaitHealthy { release, .. } => match release.runtime.aside {
                Some(aside) => up = aside.percent,
                None => is_whole = true,
            },
            Step::Check { .. } => assert_eq!((started, shared), (up, 0), "{text:#?}"),
            Step::Gate { weight, .. } => {
                assert!(*weight > shared, "{text:#?}");
                // No pod that would get requests has come before the approval.
                let is_by_pods = shares_by_pods(strategy) && shared > 0;
                assert!(!is_by_pods || started == strategy.pods_percent(shared), "{text:#?}");
            }
            Step::Change(Change::Shift { release, from, weight }) => {
                assert_eq!((Some(*from), release.runtime.aside), (serving, None), "{text:#?}");
                assert_ne!(release.track(), *from, "{text:#?}");
                assert!(started > 0 && started == up, "requests before pods: {text:#?}");
                assert!(*weight > shared, "{text:#?}");
                assert!(up >= if shares_by_pods(strategy) { 1 } else { *weight }, "{text:#?}");
                shared = *weight;
            }
            Step::Change(Change::Prune(release)) if release.id != plan.release.id => {
                assert_eq!((started, Some(release.track())), (0, serving), "{text:#?}");
            }
            Step::Change(Change::Prune(_)) | Step::Keep { .. } => {
                assert!(is_whole, "old pods go before new ones are up: {text:#?}");
            }
            _ => {}
        }
    }
    assert!(serving.is_none() || shared == 100, "{text:#?}");
    let last = steps.last();
    let is_last = matches!(last, Some(Step::Change(Change::Prune(_)) | Step::Keep { .. }));
    assert!(is_last, "{text:#?}");
}

/// Checks the rollback in one cluster, after each number of steps.
fn backward(plan: &Plan, cluster: &str, previous: Option<&Previous>) {
    for begun in 0..=plan.forward.len() {
        let forward = plan.forward.iter().take(begun);
        let changed: BTreeSet<_> = forward.flat_map(Step::changed).collect();
        let steps = plan.rollback_from(begun);
        let steps: Vec<_> = in_cluster(&steps, cluster).into_iter().map(described).collect();
        let expected = match previous {
            _ if !changed.contains(cluster) => Vec::new(),
            Some(Previous::Unmanaged) => Vec::new(),
            None => vec![("zero", "new", Track::Plain)],
            Some(Previous::Release(old)) => {
                let track = old.track_in(cluster);
                let has_pods =
                    plan.release.runtime.strategy.has_tracks() && old.runtime.web().is_some();
                let first = if has_pods { "switch" } else { "restore" };
                vec![(first, "old", track), ("prune", "old", track), ("healthy", "old", track)]
            }
        };
        assert_eq!(steps, expected, "{cluster} after {begun}");
    }
}

/// Returns the kind of a step of a rollback, its whole release, and the track of that.
fn described(step: &Step) -> (&'static str, &'static str, Track) {
    let (kind, release) = match step {
        Step::Change(Change::Restore(release)) => ("restore", release),
        Step::Change(Change::SwitchBack(release)) => ("switch", release),
        Step::Change(Change::Prune(release)) => ("prune", release),
        Step::Change(Change::ScaleToZero(release)) => ("zero", release),
        Step::AwaitHealthy { release, .. } => ("healthy", release),
        step => panic!("{step}"),
    };
    assert_eq!(release.runtime.aside, None);
    (kind, if release.id == "old" { "old" } else { "new" }, release.track())
}
