//! Checks that the metrics of a release can be measured.

use crate::{failure::Cause, ports::Ports};
use windlass_model::{
    job::Release,
    plan::{Plan, Step},
};

/// Checks that a release with metrics goes to some cluster with a Prometheus. Which clusters are measured is known once there
/// is a plan.
pub(super) fn check(release: &Release, ports: &Ports) -> Result<(), Cause> {
    match release.clusters.iter().any(|cluster| ports.metrics.knows(cluster)) {
        true => Ok(()),
        false => measurable(release, ports),
    }
}

/// Checks that each cluster in which a plan holds has a Prometheus.
pub(super) fn check_plan(plan: &Plan, ports: &Ports) -> Result<(), Cause> {
    plan.forward.iter().try_for_each(|step| check_step(step, ports))
}

fn check_step(step: &Step, ports: &Ports) -> Result<(), Cause> {
    match step {
        Step::Hold { release, .. } => measurable(release, ports),
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

fn measurable(release: &Release, ports: &Ports) -> Result<(), Cause> {
    let metrics = &release.runtime.strategy.metrics;
    if metrics.is_empty() {
        return Ok(());
    }
    match release.clusters.iter().find(|cluster| !ports.metrics.knows(cluster)) {
        None => Ok(()),
        Some(cluster) => Err(Cause::NoPrometheus {
            cluster: cluster.clone(),
            metrics: metrics.keys().cloned().collect(),
        }),
    }
}
