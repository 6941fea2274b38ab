//! The strategy of a planned release, as the page shows it: the shares of requests in their order, each with its steps
//! of the plan, and what is measured meanwhile.

use serde::Serialize;
use serde_json::Number;
use std::slice;
use windlass_model::{
    plan::{Change, Plan, Step},
    runtime::{StrategyKind, Traffic},
};

/// The strategy of a release whose new version gets its requests beside the old one.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Strategy {
    kind: StrategyKind,
    traffic: Traffic,
    /// Shares of requests in the order in which the new version gets them.
    shares: Vec<Share>,
    /// Metrics that are measured during each hold.
    metrics: Vec<Metric>,
    /// Seconds for which the version before is kept after the release. 0 deletes it at the end of the release.
    keep_seconds: u32,
}

/// A share of the requests, with the steps of the plan that lead to it and stay at it.
#[derive(Debug, Default, PartialEq, Serialize)]
struct Share {
    /// Percentage of requests that the new version gets.
    weight: u32,
    clusters: Vec<String>,
    /// Index of the share's first step in the plan.
    from: usize,
    /// Index after the share's last step.
    to: usize,
    /// Seconds for which the release stays as it is. 0 goes on at once.
    hold_seconds: u64,
    /// A person has to approve the share.
    gate: bool,
    /// HTTP path that has to answer before. `None` asks nothing.
    check: Option<String>,
}

/// A metric with its bounds. Its expression stays with the daemon.
#[derive(Debug, PartialEq, Serialize)]
struct Metric {
    name: String,
    /// `None` sets no least value.
    min: Option<Number>,
    /// `None` sets no largest value.
    max: Option<Number>,
    /// Number of measurements that may be out of bounds.
    failures: u32,
    /// Number of measurements in a row that may have no value.
    inconclusive: u32,
}

impl Strategy {
    /// Returns the strategy of a plan. `None` means that the plan shares no requests between two versions.
    pub(crate) fn of(plan: &Plan) -> Option<Self> {
        let shares = shares(&plan.forward);
        if shares.is_empty() {
            return None;
        }
        let strategy = &plan.release.runtime.strategy;
        let metrics = strategy.metrics.iter().map(|(name, metric)| Metric {
            name: name.clone(),
            min: metric.min.clone(),
            max: metric.max.clone(),
            failures: metric.failures,
            inconclusive: metric.inconclusive,
        });
        Some(Self {
            kind: strategy.kind,
            traffic: strategy.traffic,
            shares,
            metrics: metrics.collect(),
            keep_seconds: strategy.keep_seconds,
        })
    }
}

fn shares(forward: &[Step]) -> Vec<Share> {
    let mut shares: Vec<Share> = Vec::new();
    // The share whose requests are not shifted yet.
    let mut open: Option<Share> = None;
    for (index, step) in forward.iter().enumerate() {
        let begun = || Share { from: index, ..Share::default() };
        let parts = parts(step);
        match parts.first() {
            Some(Step::Change(Change::Apply(release))) if release.runtime.aside.is_some() => {
                open.get_or_insert_with(begun);
            }
            Some(Step::Check { release }) => {
                let path = release.runtime.strategy.check.clone();
                open.get_or_insert_with(begun).check = path;
            }
            Some(Step::Gate { .. }) => open.get_or_insert_with(begun).gate = true,
            Some(Step::Hold { within, .. }) => match (&mut open, shares.last_mut()) {
                // Before a switch.
                (Some(open), _) => open.hold_seconds = within.as_secs(),
                // At a share that is made.
                (None, Some(last)) if last.to == index => {
                    last.hold_seconds = within.as_secs();
                    last.to = index + 1;
                }
                (None, _) => {}
            },
            Some(Step::Change(Change::Shift { weight, .. })) => {
                let share = open.take().unwrap_or_else(begun);
                let (weight, to) = (*weight, index + 1);
                shares.push(Share { weight, to, clusters: clusters(parts), ..share });
            }
            _ => {}
        }
    }
    shares
}

/// Returns the same step in each of its clusters.
fn parts(step: &Step) -> &[Step] {
    match step {
        Step::Parallel(steps) => steps,
        step => slice::from_ref(step),
    }
}

fn clusters(parts: &[Step]) -> Vec<String> {
    let cluster = |part: &Step| match part {
        Step::Change(change) => Some(change.release().cluster().to_owned()),
        _ => None,
    };
    parts.iter().filter_map(cluster).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use serde_json::json;
    use std::collections::BTreeMap;
    use windlass_model::{
        app::App,
        cluster::RolloutOrder,
        job::Release,
        plan::{Previous, plan},
        runtime::{self, Query},
        spec::web,
    };

    /// Returns the plan of a release in these clusters, each of which has an earlier one.
    pub(crate) fn planned(
        strategy: runtime::Strategy,
        clusters: &[&str],
        order: RolloutOrder,
    ) -> Plan {
        let app = App::new("shop", "web", "production").unwrap();
        let names: Vec<_> = clusters.iter().map(|name| (*name).to_owned()).collect();
        let previous: BTreeMap<_, _> = names
            .iter()
            .map(|name| {
                let mut before = Release::bare("0000", &app, slice::from_ref(name));
                before.runtime.processes = vec![web(8080, None)];
                (name.clone(), Previous::Release(Box::new(before)))
            })
            .collect();
        let mut next = Release::bare("0001", &app, &names);
        next.runtime.processes = vec![web(8080, None)];
        next.runtime.strategy = strategy;
        plan(&next, order, &previous, &[])
    }

    /// Returns a canary of two shares, the first of which is held and the second approved.
    pub(crate) fn canary() -> runtime::Strategy {
        let metric = runtime::Metric {
            query: Query::Promql("up{secret=\"hunter22\"}".into()),
            min: Some(99.into()),
            max: None,
            interval_seconds: 15,
            failures: 1,
            inconclusive: 4,
        };
        runtime::Strategy {
            kind: StrategyKind::Canary,
            weights: vec![25, 100],
            hold_seconds: 60,
            gates: vec![100],
            gate_seconds: 3600,
            check: Some("/health".into()),
            metrics: [("success".to_owned(), metric)].into(),
            ..runtime::Strategy::default()
        }
    }

    /// Returns the texts of a share's steps.
    fn texts(plan: &Plan, share: &Share) -> Vec<String> {
        let steps = plan.forward.get(share.from..share.to).unwrap();
        steps.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_share_has_the_steps_that_lead_to_it_and_stay_at_it() {
        let plan = planned(canary(), &["eu"], RolloutOrder::Sequential);
        let strategy = Strategy::of(&plan).unwrap();
        let [first, last] = &*strategy.shares else { panic!("{:?}", strategy.shares) };
        assert_eq!((first.weight, first.hold_seconds, first.gate), (25, 60, false));
        assert_eq!((last.weight, last.hold_seconds, last.gate), (100, 0, true));
        assert_eq!((first.check.as_deref(), &last.check), (Some("/health"), &None));
        assert_eq!((first.from, first.to), (0, last.from), "nothing is between them");
        let (first, last) = (texts(&plan, first), texts(&plan, last));
        assert!(first[0].starts_with("start web"), "{first:?}");
        assert!(first.last().unwrap().starts_with("hold for 1 min"), "{first:?}");
        assert!(last.last().unwrap().starts_with("send 100 %"), "{last:?}");
    }

    #[test]
    fn clusters_that_follow_are_switched_in_a_share_of_their_own() {
        let plan = planned(canary(), &["eu", "us"], RolloutOrder::Sequential);
        let shares = Strategy::of(&plan).unwrap().shares;
        let found: Vec<_> =
            shares.iter().map(|share| (share.weight, &*share.clusters[0], share.gate)).collect();
        assert_eq!(found, [(25, "eu", false), (100, "eu", true), (100, "us", false)]);
        let plan = planned(canary(), &["eu", "us"], RolloutOrder::Parallel);
        let shares = Strategy::of(&plan).unwrap().shares;
        assert_eq!(shares.len(), 2);
        assert!(shares.iter().all(|share| share.clusters == ["eu", "us"]), "{shares:?}");
    }

    #[test]
    fn a_switch_is_one_share_that_is_held_before() {
        let switch = runtime::Strategy {
            kind: StrategyKind::BlueGreen,
            hold_seconds: 30,
            keep_seconds: 600,
            ..runtime::Strategy::default()
        };
        let plan = planned(switch, &["eu"], RolloutOrder::Sequential);
        let strategy = Strategy::of(&plan).unwrap();
        assert_eq!((strategy.kind, strategy.keep_seconds), (StrategyKind::BlueGreen, 600));
        let [share] = &*strategy.shares else { panic!("{:?}", strategy.shares) };
        assert_eq!((share.weight, share.hold_seconds), (100, 30));
        let texts = texts(&plan, share);
        assert!(texts.last().unwrap().starts_with("send 100 %"), "{texts:?}");
    }

    #[test]
    fn a_release_without_shares_has_no_strategy_to_show() {
        let rolling = runtime::Strategy::default();
        assert_eq!(Strategy::of(&planned(rolling, &["eu"], RolloutOrder::Sequential)), None);
        let mut first = Release::bare("0001", &App::new("shop", "web", "").unwrap(), &[]);
        first.clusters = vec!["eu".into()];
        first.runtime.strategy = canary();
        let plan = plan(&first, RolloutOrder::Sequential, &BTreeMap::new(), &[]);
        assert_eq!(Strategy::of(&plan), None, "nothing serves beside it");
    }

    #[test]
    fn bounds_are_shown_without_the_expression() {
        let plan = planned(canary(), &["eu"], RolloutOrder::Sequential);
        let shown = serde_json::to_value(Strategy::of(&plan).unwrap()).unwrap();
        let expected = json!({
            "name": "success",
            "min": 99,
            "max": null,
            "failures": 1,
            "inconclusive": 4,
        });
        assert_eq!(shown["metrics"], json!([expected]));
        assert_eq!((&shown["kind"], &shown["traffic"]), (&json!("canary"), &json!("replicas")));
        assert!(!shown.to_string().contains("hunter22"), "{shown}");
    }
}
