//! The PodDisruptionBudget of a process: the pods that may be away while nodes are emptied.

use super::names::{metadata, selector, workload_name};
use serde_json::{Value, json};
use windlass_model::{job::Release, runtime::Process};

/// It limits what empties nodes, not rollouts. A pod that does not run anyway may always go.
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
