//! Autoscalers: the HorizontalPodAutoscaler of a process, and all that scales as one does.

use super::{
    names::{metadata, workload_name},
    workload::kind,
};
use crate::json::text;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use windlass_model::{job::Release, runtime::Process};

/// Where an autoscaler names its target.
const TARGET: &str = "/spec/scaleTargetRef";

/// Kinds and names of what objects scale: autoscalers of ours and of the repository's own, KEDA's
/// ScaledObject, and whatever else names its target as those do.
pub(crate) fn scaled(objects: &[Value]) -> BTreeSet<(String, String)> {
    let targets = objects.iter().filter_map(|object| object.pointer(TARGET));
    let named = targets.map(|target| {
        // KEDA's own default.
        let kind = Some(text(target, "/kind")).filter(|kind| !kind.is_empty());
        (kind.unwrap_or("Deployment").to_owned(), text(target, "/name").to_owned())
    });
    named.collect()
}

/// Whether an object scales another.
pub(crate) fn is_scaler(object: &Value) -> bool {
    object.pointer(TARGET).is_some()
}

/// Leaves how many pods a workload has to what scales it.
pub(super) fn leave_replicas(objects: &mut [Value]) {
    let scaled = scaled(objects);
    for object in objects {
        let key = (text(object, "/kind").to_owned(), text(object, "/metadata/name").to_owned());
        if scaled.contains(&key)
            && let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut)
        {
            spec.remove("replicas");
        }
    }
}

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
