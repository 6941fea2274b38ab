//! How many pods there are under load, and while nodes are emptied.

use super::{
    names::{metadata, selector, workload_name},
    workload::kind,
};
use serde_json::{Value, json};
use windlass_core::{job::Release, runtime::Process};

pub(super) fn autoscaler(release: &Release, process: &Process) -> Option<Value> {
    let autoscale = process.autoscale.as_ref()?;
    let name = workload_name(release, process);
    let aims = [("cpu", autoscale.cpu), ("memory", autoscale.memory)];
    let metrics: Vec<_> = aims
        .iter()
        .filter_map(|(resource, percent)| {
            let target = json!({ "type": "Utilization", "averageUtilization": (*percent)? });
            Some(json!({ "type": "Resource", "resource": { "name": resource, "target": target } }))
        })
        .collect();
    Some(json!({
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": metadata(release, &name),
        "spec": {
            "scaleTargetRef": { "apiVersion": "apps/v1", "kind": kind(process), "name": name },
            "minReplicas": process.replicas,
            "maxReplicas": autoscale.max,
            "metrics": metrics,
        },
    }))
}

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
