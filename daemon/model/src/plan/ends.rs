//! Steps until which a release can end for a reason that not every release has: a newer job, a check, a metric; and the
//! last step, in which it ends for none.

use super::{Change, Plan, Step};

impl Plan {
    /// Returns the index of the step that switches all requests, or of the first one that changes data or replaces pods where
    /// none does. A newer job of the app ends the release until that step begins: jobs that come faster than a migration
    /// takes would otherwise leave no release to end. `None` means that no newer job does: the plan begins
    /// with the step, or is one of `windlass rollback`.
    #[must_use]
    pub fn switch_step(&self) -> Option<usize> {
        // A rollback is not ended for the version that it leads away from, or for one that is not tried yet.
        let is_rollback = self.release.runtime.strategy.at_once;
        let first = |is: fn(&Step) -> bool| self.forward.iter().position(|step| has(step, is));
        // A plan that begins with the change has no time before it.
        let switch = first(switches).or_else(|| first(changes).filter(|index| *index > 0));
        switch.filter(|_| !is_rollback)
    }

    /// Returns the index of the last step that asks the new version for a page. `None` means that no step does.
    #[must_use]
    pub fn last_check_step(&self) -> Option<usize> {
        self.forward.iter().rposition(|step| has(step, checks))
    }

    /// Returns the index of the last step during which metrics are measured. `None` means that no step does.
    #[must_use]
    pub fn last_measured_step(&self) -> Option<usize> {
        self.forward.iter().rposition(|step| has(step, measures))
    }

    /// Returns whether the step at this index is the last one, and only deletes, or stores that something is deleted later.
    /// Nobody can stop the release any more once it has begun: the pods that served before may be gone.
    #[must_use]
    pub fn is_clean_up(&self, index: usize) -> bool {
        let deletes =
            |step: &Step| matches!(step, Step::Change(Change::Prune(_)) | Step::Keep { .. });
        index + 1 == self.forward.len()
            && self.forward.get(index).is_some_and(|step| match step {
                Step::Parallel(steps) => steps.iter().all(deletes),
                step => deletes(step),
            })
    }
}

impl Step {
    /// Returns whether the step, or one within it, switches all requests.
    #[must_use]
    pub fn switches(&self) -> bool {
        has(self, switches)
    }
}

fn switches(step: &Step) -> bool {
    matches!(step, Step::Change(Change::Shift { weight, .. }) if *weight >= 100)
}

fn changes(step: &Step) -> bool {
    match step {
        Step::Change(Change::Apply(_)) => true,
        Step::Migrate { phase, .. } => phase.changes_data(),
        _ => false,
    }
}

fn checks(step: &Step) -> bool {
    matches!(step, Step::Check { .. })
}

fn measures(step: &Step) -> bool {
    match step {
        Step::Hold { release, .. } => !release.runtime.strategy.metrics.is_empty(),
        _ => false,
    }
}

/// Returns whether a step, or one within it, is such a step.
fn has(step: &Step, is_it: fn(&Step) -> bool) -> bool {
    match step {
        Step::Parallel(steps) | Step::Sequence(steps) => steps.iter().any(|step| has(step, is_it)),
        step => is_it(step),
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        cluster::RolloutOrder,
        job::Release,
        plan::{Previous, plan},
        runtime::{Metric, Migrate, Query, Strategy, StrategyKind},
        samples,
    };
    use std::collections::BTreeMap;

    fn strategy(kind: StrategyKind) -> Strategy {
        let metric = Metric {
            query: Query::Promql("up".into()),
            min: Some(1.into()),
            max: None,
            interval_seconds: 15,
            failures: 0,
            inconclusive: 4,
        };
        Strategy {
            kind,
            weights: vec![5, 50, 100],
            hold_seconds: 60,
            check: Some("/".into()),
            metrics: BTreeMap::from([("up".to_owned(), metric)]),
            ..Strategy::default()
        }
    }

    fn release(strategy: Strategy) -> Release {
        let mut release = samples::release().at(&["eu".to_owned(), "us".to_owned()]);
        release.runtime.strategy = strategy;
        release
    }

    /// Returns the texts of the steps of a release over another one: the switch, the last check, the last measurement.
    fn steps(next: &Release, order: RolloutOrder) -> [Option<String>; 3] {
        let one = |cluster: &String| {
            let old = samples::release().at(std::slice::from_ref(cluster));
            (cluster.clone(), Previous::Release(Box::new(old)))
        };
        let previous: BTreeMap<_, _> = next.clusters.iter().map(one).collect();
        let plan = plan(next, order, &previous, &[]);
        let text = |index: Option<usize>| index.map(|index| plan.forward[index].to_string());
        [plan.switch_step(), plan.last_check_step(), plan.last_measured_step()].map(text)
    }

    #[test]
    fn a_release_beside_another_ends_for_a_newer_job_until_the_first_cluster_is_switched() {
        let place = |text: &str, order| match order {
            RolloutOrder::Sequential => format!("{text} in eu"),
            RolloutOrder::Parallel => format!("{text} in eu; {text} in us"),
        };
        for kind in [StrategyKind::BlueGreen, StrategyKind::Canary] {
            for order in [RolloutOrder::Sequential, RolloutOrder::Parallel] {
                let [switch, check, measured] = steps(&release(strategy(kind)), order);
                let expected = place("send 100 % of requests to web at c0ffee", order);
                assert_eq!(switch, Some(expected), "{kind}");
                assert!(check.is_some_and(|text| text.starts_with("ask web")), "{kind}");
                assert!(measured.is_some_and(|text| text.starts_with("hold for 1 min")), "{kind}");
            }
        }
    }

    #[test]
    fn other_releases_end_for_none_of_them() {
        let none = [None, None, None];
        let rollback = strategy(StrategyKind::Canary).at_once();
        for strategy in
            [strategy(StrategyKind::Rolling), strategy(StrategyKind::Recreate), rollback]
        {
            assert_eq!(steps(&release(strategy), RolloutOrder::Sequential), none);
        }
        let unmeasured = Strategy { metrics: BTreeMap::new(), ..strategy(StrategyKind::Canary) };
        let [switch, check, measured] = steps(&release(unmeasured), RolloutOrder::Sequential);
        assert!(switch.is_some() && check.is_some() && measured.is_none());
    }

    #[test]
    fn a_rolling_update_ends_for_a_newer_job_until_it_changes_data_or_pods() {
        let mut next = release(strategy(StrategyKind::Rolling));
        let migrate = Migrate { expand: vec!["expand".into()], ..Migrate::default() };
        next.runtime.migrate = Some(migrate);
        let [switch, ..] = steps(&next, RolloutOrder::Sequential);
        let switch = switch.unwrap();
        assert!(switch.contains("expand"), "{switch}");
    }
}
