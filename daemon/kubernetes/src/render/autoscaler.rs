//! Autoscalers: the `HorizontalPodAutoscaler` of a process, and other objects that scale a workload.

use super::{
    names::{metadata, workload_name},
    workload::kind,
};
use crate::json::{set, text};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use windlass_model::{job::Release, runtime::Process};

/// Pointer to the field in which an autoscaler names its target.
const TARGET: &str = "/spec/scaleTargetRef";

/// Returns kinds and names of the workloads that some object scales: an autoscaler of ours or of the
/// repository's own, KEDA's ScaledObject, or anything else with the same field for its target.
pub(crate) fn scaled(objects: &[Value]) -> BTreeSet<(String, String)> {
    let targets = objects.iter().filter_map(|object| object.pointer(TARGET));
    let named = targets.map(|target| {
        // The default of KEDA.
        let kind = Some(text(target, "/kind")).filter(|kind| !kind.is_empty());
        (kind.unwrap_or("Deployment").to_owned(), text(target, "/name").to_owned())
    });
    named.collect()
}

/// Returns whether an object scales another one.
pub(crate) fn is_scaler(object: &Value) -> bool {
    object.pointer(TARGET).is_some()
}

/// Leads a scaler of the repository's own that names the workload of `web` by the app's name to the one on its track.
pub(super) fn lead_to_track(release: &Release, object: &mut Value) {
    let Some(web) = release.runtime.web() else { return };
    let Some(target) = object.pointer_mut(TARGET) else { return };
    let named = text(target, "/kind");
    // The default of KEDA.
    let named = if named.is_empty() { "Deployment" } else { named };
    if named == kind(web) && text(target, "/name") == release.app.name {
        set(target, "name", json!(workload_name(release, web)));
    }
}

/// Removes `replicas` from workloads that some object scales.
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

/// Renders the `HorizontalPodAutoscaler` of a process. `None` means that the process has a fixed number of
/// pods.
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
