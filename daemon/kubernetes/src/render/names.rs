//! Names, labels and annotations of objects.

use crate::json::{merge, set};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use windlass_model::{
    job::Release,
    runtime::{Process, Track, WEB},
};

/// Annotation that names the job that rendered an object.
pub(crate) const JOB: &str = "windlass.dev/job";
/// Label that names the tool that made an object.
pub(crate) const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// Value of [`MANAGED_BY`] on our objects.
pub(crate) const OURS: &str = "windlass";
/// Label that names the project of an object.
pub(crate) const PART_OF: &str = "app.kubernetes.io/part-of";
/// Label that names a process of an app on its track.
pub(crate) const NAME: &str = "app.kubernetes.io/name";
/// Label that selects all pods of an app.
pub(crate) const INSTANCE: &str = "app.kubernetes.io/instance";
/// Label that names a pod's process.
pub(crate) const COMPONENT: &str = "app.kubernetes.io/component";
/// Label of an ApplySet's members (KEP-3659).
pub(crate) const APPLY_SET: &str = "applyset.kubernetes.io/part-of";

/// All tracks of `web`.
pub(crate) const TRACKS: [Track; 3] = [Track::Plain, Track::Blue, Track::Green];

/// Returns the name of a process's workload, and of what scales and protects it. Two versions of `web` that run side
/// by side differ in the suffix of their track.
pub(crate) fn workload_name(release: &Release, process: &Process) -> String {
    match &*process.name {
        WEB => track_name(release, release.track()),
        _ => service_name(release, process),
    }
}

/// Returns the name of the workload of `web` on a track.
pub(crate) fn track_name(release: &Release, track: Track) -> String {
    format!("{}{}", release.app.name, track.suffix())
}

/// Returns the name of a process's Service and of the claims that its pods share, on whichever track they are. The one
/// of `web` has the app's name, since other apps connect to it.
pub(crate) fn service_name(release: &Release, process: &Process) -> String {
    match &*process.name {
        WEB => release.app.name.clone(),
        name => format!("{}-{name}", release.app.name),
    }
}

/// Returns the name of the Service that leads to pods of `web` beside those that serve.
pub(crate) fn preview_name(release: &Release) -> String {
    format!("{}-preview", release.app.name)
}

/// Returns the name of the ConfigMap that is the app's inventory.
pub(crate) fn inventory_name(release: &Release) -> String {
    format!("windlass-{}", release.app.name)
}

/// Returns the name of the ServiceAccount that pods run as.
pub(crate) fn account_name(release: &Release) -> String {
    release.runtime.account.existing.clone().unwrap_or_else(|| release.app.name.clone())
}

/// Returns the name of the app's pull secret.
pub(crate) fn pull_name(release: &Release) -> String {
    format!("{}-pull", release.app.name)
}

/// Returns the id of the app's ApplySet: `applyset-<base64url(sha256(name.namespace.kind.group))>-v1`
/// (KEP-3659). A ConfigMap's group is empty.
pub(crate) fn apply_set(release: &Release) -> String {
    let parent = format!("{}.{}.ConfigMap.", inventory_name(release), release.app.namespace());
    format!("applyset-{}-v1", URL_SAFE_NO_PAD.encode(Sha256::digest(parent)))
}

/// Returns the labels that select a process's pods. They name no version, since selectors are immutable.
pub(super) fn selector(release: &Release, process: &Process) -> Value {
    json!({ NAME: workload_name(release, process), INSTANCE: release.app.name })
}

/// Returns the labels that select the pods of `web` on a track.
pub(super) fn track_selector(release: &Release, track: Track) -> Value {
    json!({ NAME: track_name(release, track), INSTANCE: release.app.name })
}

/// Returns the labels of all objects of an app.
pub(crate) fn labels(release: &Release) -> Value {
    let mut labels = json!(release.runtime.labels);
    merge(
        &mut labels,
        json!({
            NAME: release.app.name,
            INSTANCE: release.app.name,
            PART_OF: release.app.project,
            MANAGED_BY: OURS,
        }),
    );
    labels
}

/// Returns the labels of a process's pods.
pub(super) fn pod_labels(release: &Release, process: &Process) -> Value {
    let mut labels = labels(release);
    set(&mut labels, COMPONENT, json!(process.name));
    merge(&mut labels, selector(release, process));
    labels
}

/// Returns name, namespace and labels of an object, which make it a member of the app's ApplySet.
pub(super) fn metadata(release: &Release, name: &str) -> Value {
    let mut labels = labels(release);
    set(&mut labels, APPLY_SET, json!(apply_set(release)));
    json!({ "name": name, "namespace": release.app.namespace(), "labels": labels })
}

/// Returns name, namespace and labels of an object of one process.
pub(super) fn component_metadata(release: &Release, process: &Process, name: &str) -> Value {
    let mut head = metadata(release, name);
    if let Some(labels) = head.get_mut("labels") {
        set(labels, COMPONENT, json!(process.name));
    }
    head
}

/// Returns the metadata of a process's workload, with the job that rendered it.
pub(super) fn process_metadata(release: &Release, process: &Process) -> Value {
    let mut head = component_metadata(release, process, &workload_name(release, process));
    set(
        &mut head,
        "annotations",
        json!({ JOB: release.id, "windlass.dev/commit": release.commit }),
    );
    head
}

/// Returns ten hex digits of a text's SHA-256.
pub(crate) fn short_hash(text: &str) -> String {
    Sha256::digest(text).iter().take(5).fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
