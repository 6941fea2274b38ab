//! Checks that the metrics of a release can be measured.

use crate::{failure::Cause, ports::Ports};
use windlass_model::{
    cluster::RolloutOrder,
    job::Release,
    plan::{Plan, Step},
};

/// Checks that clusters in which a release is going to be measured have a Prometheus: without one, every hold would fail.
///
/// Where clusters follow each other, the first one in which a version serves is measured alone. That is the first of
/// all unless the app comes to it for the first time, which the plan shows.
pub(super) fn check(release: &Release, order: RolloutOrder, ports: &Ports) -> Result<(), Cause> {
    match order {
        RolloutOrder::Sequential => measurable(release, release.clusters.iter().take(1), ports),
        RolloutOrder::Parallel => measurable(release, &release.clusters, ports),
    }
}

/// Checks that each cluster in which a plan holds has a Prometheus.
pub(super) fn check_plan(plan: &Plan, ports: &Ports) -> Result<(), Cause> {
    plan.forward.iter().try_for_each(|step| check_step(step, ports))
}

fn check_step(step: &Step, ports: &Ports) -> Result<(), Cause> {
    match step {
        Step::Hold { release, .. } => measurable(release, &release.clusters, ports),
        Step::Parallel(steps) | Step::Sequence(steps) => {
            steps.iter().try_for_each(|step| check_step(step, ports))
        }
        Step::Change(_)
        | Step::Hook { .. }
        | Step::Migrate { .. }
        | Step::AwaitHealthy { .. }
        | Step::Check { .. }
        | Step::Gate { .. }
        | Step::Keep { .. } => Ok(()),
    }
}

fn measurable<'a>(
    release: &Release,
    clusters: impl IntoIterator<Item = &'a String>,
    ports: &Ports,
) -> Result<(), Cause> {
    let metrics = &release.runtime.strategy.metrics;
    if metrics.is_empty() {
        return Ok(());
    }
    match clusters.into_iter().find(|cluster| !ports.metrics.knows(cluster)) {
        None => Ok(()),
        Some(cluster) => Err(Cause::NoPrometheus {
            cluster: cluster.clone(),
            metrics: metrics.keys().cloned().collect(),
        }),
    }
}
