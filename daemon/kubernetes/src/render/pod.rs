//! Spec of a process's pods.

use super::{
    container::container,
    names::{account_name, pull_name, selector, service_name},
};
use crate::json::set;
use serde_json::{Value, json};
use windlass_model::{
    job::Release,
    runtime::{Process, Spread, Volume, VolumeSource},
};

/// `tolerationSeconds` until a pod on a lost node is replaced. The API server's default of 300 outlasts the
/// rollout's deadline.
const LOST_NODE_SECONDS: u32 = 30;

/// Renders a pod's spec. `pull` means that the namespace has our pull secret.
pub(super) fn pod(release: &Release, process: &Process, pull: bool) -> Value {
    let runtime = &release.runtime;
    let mut context = security(runtime.user);
    let kept = process
        .volumes
        .values()
        .any(|one| matches!(one.source, VolumeSource::Claim { .. } | VolumeSource::Existing(_)));
    if let (true, Some(user)) = (kept, runtime.user) {
        // A new volume belongs to root.
        set(&mut context, "fsGroup", json!(user));
    }
    let mut pod = json!({
        "automountServiceAccountToken": runtime.account.token,
        "serviceAccountName": account_name(release),
        "enableServiceLinks": false,
        "terminationGracePeriodSeconds": process.pre_stop_seconds + process.drain_seconds,
        "securityContext": context,
        "tolerations": tolerations(process),
        "containers": [container(release, process)],
    });
    if process.placement.spread != Spread::Off && process.schedule.is_none() {
        set(&mut pod, "topologySpreadConstraints", json!(spread(release, process)));
    }
    if !process.placement.nodes.is_empty() {
        set(&mut pod, "nodeSelector", json!(process.placement.nodes));
    }
    let secrets = pull_secrets(release, pull);
    if !secrets.is_empty() {
        set(&mut pod, "imagePullSecrets", json!(secrets));
    }
    let volumes: Vec<_> = process
        .volumes
        .iter()
        .filter_map(|(name, one)| volume(release, process, name, one))
        .collect();
    if !volumes.is_empty() {
        set(&mut pod, "volumes", json!(volumes));
    }
    pod
}

/// Renders `imagePullSecrets`: ours, where we log in, and those that the app names.
pub(crate) fn pull_secrets(release: &Release, pull: bool) -> Vec<Value> {
    let ours = pull.then(|| pull_name(release));
    let all = ours.iter().chain(&release.runtime.pull_secrets);
    all.map(|name| json!({ "name": name })).collect()
}

/// Renders `securityContext` of a pod. An image of root runs as it is: the build has warned of the image, or
/// refused it.
pub(crate) fn security(user: Option<u32>) -> Value {
    let mut context = json!({ "seccompProfile": { "type": "RuntimeDefault" } });
    if let Some(user) = user {
        set(&mut context, "runAsNonRoot", json!(true));
        set(&mut context, "runAsUser", json!(user));
    }
    context
}

fn tolerations(process: &Process) -> Vec<Value> {
    let lost = ["not-ready", "unreachable"].map(|state| {
        json!({
            "key": format!("node.kubernetes.io/{state}"),
            "operator": "Exists",
            "effect": "NoExecute",
            "tolerationSeconds": LOST_NODE_SECONDS,
        })
    });
    let own = process.placement.tolerations.iter().map(|own| {
        let mut toleration = json!({ "operator": "Exists" });
        if !own.key.is_empty() {
            set(&mut toleration, "key", json!(own.key));
        }
        if let Some(value) = &own.value {
            set(&mut toleration, "operator", json!("Equal"));
            set(&mut toleration, "value", json!(value));
        }
        if let Some(effect) = &own.effect {
            set(&mut toleration, "effect", json!(effect));
        }
        toleration
    });
    lost.into_iter().chain(own).collect()
}

fn spread(release: &Release, process: &Process) -> [Value; 2] {
    let unsatisfiable = match process.placement.spread {
        Spread::Required => "DoNotSchedule",
        Spread::Preferred | Spread::Off => "ScheduleAnyway",
    };
    ["kubernetes.io/hostname", "topology.kubernetes.io/zone"].map(|key| {
        // Not every cluster has zones: a node without the label would take no pod at all.
        let strict = key == "kubernetes.io/hostname";
        let mut constraint = json!({
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": if strict { unsatisfiable } else { "ScheduleAnyway" },
            "labelSelector": { "matchLabels": selector(release, process) },
        });
        if !process.stateful {
            set(&mut constraint, "matchLabelKeys", json!(["pod-template-hash"]));
        }
        constraint
    })
}

/// Renders an entry of `volumes`. `None` means that the StatefulSet itself adds the volume to each pod.
fn volume(release: &Release, process: &Process, name: &str, volume: &Volume) -> Option<Value> {
    let mut object = json!({ "name": name });
    let (key, source) = match &volume.source {
        VolumeSource::Claim { .. } if process.stateful => return None,
        VolumeSource::Claim { .. } => {
            let claim = format!("{}-{name}", service_name(release, process));
            ("persistentVolumeClaim", json!({ "claimName": claim }))
        }
        VolumeSource::Existing(claim) => ("persistentVolumeClaim", json!({ "claimName": claim })),
        VolumeSource::Scratch { size: None } => ("emptyDir", json!({})),
        VolumeSource::Scratch { size: Some(size) } => ("emptyDir", json!({ "sizeLimit": size })),
        VolumeSource::Secret(secret) => ("secret", json!({ "secretName": secret })),
        VolumeSource::ConfigMap(map) => ("configMap", json!({ "name": map })),
    };
    set(&mut object, key, source);
    Some(object)
}
