//! What objects are called, and what they are labelled with.

use crate::json::{merge, set};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use windlass_model::{
    job::Release,
    runtime::{Process, WEB},
};

/// The annotation that says which job rendered an object.
pub(crate) const JOB: &str = "windlass.dev/job";
/// The label that says which tool made an object, and what it says of ours.
pub(crate) const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
pub(crate) const OURS: &str = "windlass";
/// The label that finds all pods of an app.
pub(crate) const INSTANCE: &str = "app.kubernetes.io/instance";
/// The label that says which process a pod is.
pub(crate) const COMPONENT: &str = "app.kubernetes.io/component";
/// The label of an ApplySet's members (KEP-3659).
pub(crate) const APPLY_SET: &str = "applyset.kubernetes.io/part-of";

/// `web` is called as the app is, since its Service is what others call.
pub(crate) fn workload_name(release: &Release, process: &Process) -> String {
    match &*process.name {
        WEB => release.app.name.clone(),
        name => format!("{}-{name}", release.app.name),
    }
}

/// The ConfigMap that lists what a release has.
pub(crate) fn inventory_name(release: &Release) -> String {
    format!("windlass-{}", release.app.name)
}

/// The ServiceAccount that pods run as.
pub(crate) fn account_name(release: &Release) -> String {
    release.runtime.account.existing.clone().unwrap_or_else(|| release.app.name.clone())
}

pub(crate) fn pull_name(release: &Release) -> String {
    format!("{}-pull", release.app.name)
}

/// `applyset-<base64url(sha256(name.namespace.kind.group))>-v1` (KEP-3659); a ConfigMap's group is
/// empty.
pub(crate) fn apply_set(release: &Release) -> String {
    let parent = format!("{}.{}.ConfigMap.", inventory_name(release), release.app.namespace());
    format!("applyset-{}-v1", URL_SAFE_NO_PAD.encode(Sha256::digest(parent)))
}

/// Selects a process's pods. Never a version: selectors are immutable.
pub(super) fn selector(release: &Release, process: &Process) -> Value {
    json!({
        "app.kubernetes.io/name": workload_name(release, process),
        INSTANCE: release.app.name,
    })
}

/// Of all objects of an app, and with `name` and `component` of a process's pods.
pub(crate) fn labels(release: &Release) -> Value {
    let mut labels = json!(release.runtime.labels);
    merge(
        &mut labels,
        json!({
            "app.kubernetes.io/name": release.app.name,
            INSTANCE: release.app.name,
            "app.kubernetes.io/part-of": release.app.project,
            MANAGED_BY: OURS,
        }),
    );
    labels
}

pub(super) fn pod_labels(release: &Release, process: &Process) -> Value {
    let mut labels = labels(release);
    set(&mut labels, COMPONENT, json!(process.name));
    merge(&mut labels, selector(release, process));
    labels
}

/// Name, namespace and labels of an object; it is a member of the app's ApplySet.
pub(super) fn metadata(release: &Release, name: &str) -> Value {
    let mut labels = labels(release);
    set(&mut labels, APPLY_SET, json!(apply_set(release)));
    json!({ "name": name, "namespace": release.app.namespace(), "labels": labels })
}

/// The same of one process's object, which says which job rendered it.
pub(super) fn process_metadata(release: &Release, process: &Process) -> Value {
    let mut head = metadata(release, &workload_name(release, process));
    if let Some(labels) = head.get_mut("labels") {
        set(labels, COMPONENT, json!(process.name));
    }
    set(
        &mut head,
        "annotations",
        json!({ JOB: release.id, "windlass.dev/commit": release.commit }),
    );
    head
}

pub(crate) fn short_hash(text: &str) -> String {
    Sha256::digest(text).iter().take(5).fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
