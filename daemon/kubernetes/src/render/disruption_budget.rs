//! The `PodDisruptionBudget` of a process: the number of pods that may be away while nodes are drained.

use super::names::{metadata, selector, workload_name};
use serde_json::{Value, json};
use windlass_model::{job::Release, runtime::Process};

/// Renders the PodDisruptionBudget. It limits drains of nodes, not rollouts. A pod that is not ready may always
/// be evicted. `None` means that the process wants none.
pub(super) fn disruption_budget(release: &Release, process: &Process) -> Option<Value> {
    let most = process.max_unavailable?;
    Some(json!({
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata(release, &workload_name(release, process)),
        "spec": {
            "maxUnavailable": most,
            "selector": { "matchLabels": selector(release, process) },
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
    }))
}
