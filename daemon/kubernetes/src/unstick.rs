//! An ordered StatefulSet waits for a pod of the version before to get ready, for ever if that one is
//! broken: its controller does not replace it (kubernetes/kubernetes#67250). Once another template is
//! there, what cannot start goes.

use crate::{
    client::{Client, limited},
    inventory::Entry,
    render::text,
    snapshot::is_ready,
};
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::api::ListParams;
use serde_json::Value;
use windlass_core::ports::ClusterError;

/// Whether an object is a StatefulSet that starts its pods one after the other: the default.
pub(crate) fn is_ordered(object: &Value) -> bool {
    text(object, "/kind") == "StatefulSet"
        && text(object, "/spec/podManagementPolicy") != "Parallel"
}

pub(crate) async fn unstick(client: &Client, set: &Value) -> Result<(), ClusterError> {
    let namespace = text(set, "/metadata/namespace");
    let labels = set.pointer("/spec/selector/matchLabels").and_then(Value::as_object);
    let pairs = labels.into_iter().flatten().map(|(key, value)| {
        let value = value.as_str().unwrap_or_default();
        format!("{key}={value}")
    });
    let selector = pairs.collect::<Vec<_>>().join(",");
    // Without labels it would be every pod of the namespace.
    if selector.is_empty() {
        return Ok(());
    }
    let which = ListParams::default().labels(&selector);
    let pods = limited(client.api::<Pod>(namespace).list(&which), "pods").await?;
    for pod in pods.items.iter().filter(|pod| is_of(pod, set) && !is_ready(pod) && is_stuck(pod)) {
        let (name, uid) = (pod.metadata.name.clone(), pod.metadata.uid.clone());
        let head = Entry {
            api_version: "v1".into(),
            kind: "Pod".into(),
            name: name.unwrap_or_default(),
            uid: uid.unwrap_or_default(),
        };
        client.delete(&head.head(namespace), &head.uid).await?;
    }
    Ok(())
}

fn is_of(pod: &Pod, set: &Value) -> bool {
    let name = text(set, "/metadata/name");
    let mut owners = pod.metadata.owner_references.iter().flatten();
    owners.any(|owner| owner.kind == "StatefulSet" && owner.name == name)
}

/// A container failed or is not even made, or no node takes the pod. One that is only slow is none.
fn is_stuck(pod: &Pod) -> bool {
    let Some(status) = pod.status.as_ref() else { return false };
    let all = [&status.init_container_statuses, &status.container_statuses];
    let failed = |one: &ContainerStatus| {
        let states = [&one.state, &one.last_state].into_iter().flatten();
        let waits = one.state.as_ref().and_then(|state| state.waiting.as_ref());
        let reason = waits.and_then(|waiting| waiting.reason.as_deref());
        !matches!(reason, None | Some("ContainerCreating" | "PodInitializing"))
            || states.filter_map(|state| state.terminated.as_ref()).any(|end| end.exit_code != 0)
    };
    let homeless = status.conditions.iter().flatten().any(|condition| {
        condition.type_ == "PodScheduled" && condition.reason.as_deref() == Some("Unschedulable")
    });
    homeless || all.into_iter().flatten().flatten().any(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_slow_is_left() {
        let pod = |state: Value| -> Pod {
            let container = json!({ "name": "app", "image": "", "imageID": "", "ready": false, "restartCount": 0, "state": state });
            serde_json::from_value(json!({ "status": { "containerStatuses": [container] } }))
                .unwrap()
        };
        for (state, stuck) in [
            (json!({ "running": {} }), false),
            (json!({ "waiting": { "reason": "ContainerCreating" } }), false),
            (json!({ "waiting": { "reason": "ImagePullBackOff" } }), true),
            (json!({ "terminated": { "exitCode": 3 } }), true),
        ] {
            assert_eq!(is_stuck(&pod(state.clone())), stuck, "{state}");
        }
    }
}
