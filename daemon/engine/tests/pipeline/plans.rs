//! Plans of blue-green and canary releases, as people read them.

use crate::world::release;
use serde_json::Number;
use std::collections::BTreeMap;
use windlass_model::{
    cluster::{DEFAULT, RolloutOrder},
    plan::{Previous, Step, plan},
    runtime::{Metric, Query, Source, Strategy, StrategyKind, Traffic},
};

/// Returns the steps of a release over `old`, which serves in these clusters, and those of its whole rollback.
fn steps(strategy: Strategy, clusters: &[&str], serving: &[&str]) -> (Vec<String>, Vec<String>) {
    let names: Vec<_> = clusters.iter().map(ToString::to_string).collect();
    let mut next = release("job-1", "new").at(&names);
    next.runtime.strategy = strategy;
    let previous: BTreeMap<_, _> = serving
        .iter()
        .map(|name| {
            let old = release("job-0", "old").at(&[name.to_string()]);
            (name.to_string(), Previous::Release(Box::new(old)))
        })
        .collect();
    let plan = plan(&next, RolloutOrder::Sequential, &previous, &[]);
    let text = |steps: &[Step]| steps.iter().map(ToString::to_string).collect::<Vec<_>>();
    (text(&plan.forward), text(&plan.rollback))
}

fn canary(weights: &[u32], traffic: Traffic) -> Strategy {
    let kind = StrategyKind::Canary;
    Strategy { kind, weights: weights.to_vec(), traffic, hold_seconds: 60, ..Strategy::default() }
}

const BACK: [&str; 3] = [
    "send all requests to web at abc, whose pods still run",
    "remove what web no longer has",
    "wait until web at abc is healthy, at most 5 min",
];

#[test]
fn blue_green_is_checked_held_and_approved_before_its_one_switch() {
    let success = Metric {
        query: Query::SuccessRate(Source::Traefik),
        min: Some(Number::from(99)),
        max: None,
        interval_seconds: 15,
        failures: 0,
        inconclusive: 4,
    };
    let strategy = Strategy {
        kind: StrategyKind::BlueGreen,
        check: Some("/healthz".into()),
        hold_seconds: 60,
        gates: vec![100],
        gate_seconds: 600,
        keep_seconds: 300,
        metrics: BTreeMap::from([("success".to_owned(), success)]),
        ..Strategy::default()
    };
    let (forward, back) = steps(strategy, &[DEFAULT], &[DEFAULT]);
    assert_eq!(
        forward,
        [
            "start web at abc beside what serves, with 100 % of its pods",
            "wait until web at abc is healthy, at most 5 min",
            "ask web at abc for /healthz",
            "hold for 1 min, measuring success",
            "wait for approval of 100 % of requests for web at abc, at most 10 min",
            "send 100 % of requests to web at abc",
            "apply web at abc",
            "wait until web at abc is healthy, at most 5 min",
            "keep the pods of before for 5 min, then delete them",
        ]
    );
    assert_eq!(back, BACK);
}

#[test]
fn a_canary_at_a_gateway_has_as_many_pods_as_its_share_needs() {
    let strategy =
        Strategy { gates: vec![50], gate_seconds: 600, ..canary(&[10, 50, 100], Traffic::Gateway) };
    let (forward, back) = steps(strategy, &[DEFAULT], &[DEFAULT]);
    assert_eq!(
        forward,
        [
            "start web at abc beside what serves, with 10 % of its pods",
            "wait until web at abc is healthy, at most 5 min",
            "send 10 % of requests to web at abc",
            "hold for 1 min",
            "start web at abc beside what serves, with 50 % of its pods",
            "wait until web at abc is healthy, at most 5 min",
            "wait for approval of 50 % of requests for web at abc, at most 10 min",
            "send 50 % of requests to web at abc",
            "hold for 1 min",
            "start web at abc beside what serves, with 100 % of its pods",
            "wait until web at abc is healthy, at most 5 min",
            "send 100 % of requests to web at abc",
            "apply web at abc",
            "wait until web at abc is healthy, at most 5 min",
            "remove what web no longer has",
        ]
    );
    assert_eq!(back, BACK);
}

/// One new pod beside four old ones gets 20 % of the requests.
#[test]
fn a_canary_by_numbers_of_pods_counts_those_that_serve_too() {
    let (forward, back) = steps(canary(&[20, 100], Traffic::Replicas), &[DEFAULT], &[DEFAULT]);
    assert_eq!(
        forward,
        [
            "start web at abc beside what serves, with 25 % of its pods",
            "wait until web at abc is healthy, at most 5 min",
            "send 20 % of requests to web at abc",
            "hold for 1 min",
            "start web at abc beside what serves, with 100 % of its pods",
            "wait until web at abc is healthy, at most 5 min",
            "send 100 % of requests to web at abc",
            "apply web at abc",
            "wait until web at abc is healthy, at most 5 min",
            "remove what web no longer has",
        ]
    );
    assert_eq!(back, BACK);
}

#[test]
fn a_canary_in_two_clusters_holds_in_the_first_alone() {
    let both = ["eu", "us"];
    let (forward, back) = steps(canary(&[25, 100], Traffic::Gateway), &both, &both);
    assert_eq!(
        forward,
        [
            "start web at abc in eu beside what serves, with 25 % of its pods",
            "wait until web at abc in eu is healthy, at most 5 min",
            "send 25 % of requests to web at abc in eu",
            "hold for 1 min in eu",
            "start web at abc in eu beside what serves, with 100 % of its pods",
            "wait until web at abc in eu is healthy, at most 5 min",
            "send 100 % of requests to web at abc in eu",
            "apply web at abc in eu",
            "wait until web at abc in eu is healthy, at most 5 min",
            "start web at abc in us beside what serves, with 100 % of its pods",
            "wait until web at abc in us is healthy, at most 5 min",
            "send 100 % of requests to web at abc in us",
            "apply web at abc in us",
            "wait until web at abc in us is healthy, at most 5 min",
            "remove what web no longer has in eu; remove what web no longer has in us",
        ]
    );
    assert_eq!(
        back,
        [
            "send all requests to web at abc in eu, whose pods still run, then remove what web no longer has in eu, then wait until web at abc in eu is healthy, at most 5 min; send all requests to web at abc in us, whose pods still run, then remove what web no longer has in us, then wait until web at abc in us is healthy, at most 5 min",
        ]
    );
}

#[test]
fn a_first_release_has_nobody_to_share_requests_with() {
    let (forward, back) = steps(canary(&[5, 100], Traffic::Gateway), &[DEFAULT], &[]);
    assert_eq!(
        forward,
        [
            "apply web at abc",
            "wait until web at abc is healthy, at most 5 min",
            "remove what web no longer has",
        ]
    );
    assert_eq!(back, ["scale web to 0"]);
}
