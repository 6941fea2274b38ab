//! Checks that the metrics of a release can be measured.

use crate::{failure::Cause, ports::Ports};
use windlass_model::job::Release;

/// Checks that each cluster of a release with metrics has a Prometheus: without one, every hold would fail.
pub(super) fn check(release: &Release, ports: &Ports) -> Result<(), Cause> {
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
