//! The `Deployment`, `StatefulSet` or `CronJob` of a process.

use super::{
    config_hash::mark,
    names::{COMPONENT, INSTANCE, pod_labels, process_metadata, selector},
    pod::pod,
    service::headless_name,
    strategy::strategy,
    volume_claim::claim,
};
use crate::json::set;
use serde_json::{Value, json};
use windlass_model::{
    job::Release,
    runtime::{Process, Schedule},
};

/// `minReadySeconds` where a readiness probe is asked: an app that answers once and crashes is not available.
const MIN_READY: u32 = 5;

/// `minReadySeconds` without a readiness probe. Such a pod is ready from its start until the kubelet tells of its
/// crash, which a busy node does after some seconds.
const MIN_READY_UNPROBED: u32 = 10;

/// `revisionHistoryLimit`: old ReplicaSets and revisions that are kept.
const HISTORY: u32 = 5;

/// Returns the `minReadySeconds` of a workload with this pod template.
pub(super) fn min_ready(template: &Value) -> u32 {
    let containers = template.pointer("/spec/containers").and_then(Value::as_array);
    let is_probed = |one: &Value| one.get("readinessProbe").is_some_and(|probe| !probe.is_null());
    if containers.into_iter().flatten().any(is_probed) { MIN_READY } else { MIN_READY_UNPROBED }
}

/// Returns the kind of a process's workload.
pub(crate) fn kind(process: &Process) -> &'static str {
    match (&process.schedule, process.stateful) {
        (Some(_), _) => "CronJob",
        (None, true) => "StatefulSet",
        (None, false) => "Deployment",
    }
}

/// Renders the workload of a process. `pull` means that the namespace has our pull secret.
pub(super) fn workload(release: &Release, process: &Process, pull: bool) -> Value {
    match (&process.schedule, process.stateful) {
        (Some(schedule), _) => cron_job(release, process, schedule, pull),
        (None, true) => stateful_set(release, process, pull),
        (None, false) => deployment(release, process, pull),
    }
}

fn template(release: &Release, process: &Process, pull: bool) -> Value {
    let mut head = json!({ "labels": pod_labels(release, process) });
    if !release.runtime.annotations.is_empty() {
        set(&mut head, "annotations", json!(release.runtime.annotations));
    }
    let mut template = json!({ "metadata": head, "spec": pod(release, process, pull) });
    // A scheduled run reads the ConfigMaps of the time when it begins.
    if process.schedule.is_none() {
        mark(release, &mut template);
    }
    template
}

fn deployment(release: &Release, process: &Process, pull: bool) -> Value {
    let template = template(release, process, pull);
    let mut spec = json!({
        "minReadySeconds": min_ready(&template),
        "progressDeadlineSeconds": process.progress_deadline_seconds(),
        "revisionHistoryLimit": HISTORY,
        "selector": { "matchLabels": selector(release, process) },
        // Only the cluster knows whether pods can share an existing claim.
        "strategy": strategy(release, process, &|_, _| false),
        "template": template,
    });
    // An autoscaler sets the number of pods itself.
    if process.autoscale.is_none() {
        set(&mut spec, "replicas", json!(process.replicas));
    }
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": process_metadata(release, process),
        "spec": spec,
    })
}

fn stateful_set(release: &Release, process: &Process, pull: bool) -> Value {
    let template = template(release, process, pull);
    let mut spec = json!({
        "minReadySeconds": min_ready(&template),
        "revisionHistoryLimit": HISTORY,
        "serviceName": headless_name(release, process),
        "podManagementPolicy": if process.ordered { "OrderedReady" } else { "Parallel" },
        "persistentVolumeClaimRetentionPolicy": { "whenDeleted": "Retain", "whenScaled": "Retain" },
        "selector": { "matchLabels": selector(release, process) },
        "template": template,
    });
    if process.autoscale.is_none() {
        set(&mut spec, "replicas", json!(process.replicas));
    }
    let templates: Vec<_> = process
        .volumes
        .iter()
        .filter_map(|(name, volume)| {
            // Labels of a claim's template can never change: these never do.
            let labels = json!({ INSTANCE: release.app.name, COMPONENT: process.name });
            let metadata = json!({ "name": name, "labels": labels });
            Some(json!({
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": metadata,
                "spec": claim(&volume.source)?,
            }))
        })
        .collect();
    if !templates.is_empty() {
        set(&mut spec, "volumeClaimTemplates", json!(templates));
    }
    json!({
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": process_metadata(release, process),
        "spec": spec,
    })
}

fn cron_job(release: &Release, process: &Process, schedule: &Schedule, pull: bool) -> Value {
    let mut template = template(release, process, pull);
    // Another instance than the app's own, since scheduled runs are no part of a rollout.
    if let Some(labels) = template.pointer_mut("/metadata/labels") {
        set(labels, INSTANCE, json!(format!("{}--cron", release.app.name)));
    }
    if let Some(pod) = template.get_mut("spec") {
        set(pod, "restartPolicy", json!("Never"));
    }
    let mut spec = json!({
        "schedule": schedule.cron,
        "concurrencyPolicy": if schedule.overlap { "Allow" } else { "Forbid" },
        // A run that could not begin in this time is left out.
        "startingDeadlineSeconds": 300,
        "successfulJobsHistoryLimit": 3,
        "failedJobsHistoryLimit": 3,
        "suspend": false,
        "jobTemplate": { "spec": {
            "backoffLimit": schedule.retries,
            "activeDeadlineSeconds": schedule.timeout,
            "template": template,
        } },
    });
    if let Some(zone) = &schedule.timezone {
        set(&mut spec, "timeZone", json!(zone));
    }
    json!({
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": process_metadata(release, process),
        "spec": spec,
    })
}
