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

/// `minReadySeconds`: a pod that crashes at once does not count as available.
pub(super) const MIN_READY: u32 = 5;

/// `revisionHistoryLimit`: old ReplicaSets and revisions that are kept.
const HISTORY: u32 = 5;

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
    let mut spec = json!({
        "minReadySeconds": MIN_READY,
        "progressDeadlineSeconds": process.progress_deadline_seconds(),
        "revisionHistoryLimit": HISTORY,
        "selector": { "matchLabels": selector(release, process) },
        // Only the cluster knows whether pods can share an existing claim.
        "strategy": strategy(process, &|_, _| false),
        "template": template(release, process, pull),
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
    let mut spec = json!({
        "minReadySeconds": MIN_READY,
        "revisionHistoryLimit": HISTORY,
        "serviceName": headless_name(release, process),
        "podManagementPolicy": if process.ordered { "OrderedReady" } else { "Parallel" },
        "persistentVolumeClaimRetentionPolicy": { "whenDeleted": "Retain", "whenScaled": "Retain" },
        "selector": { "matchLabels": selector(release, process) },
        "template": template(release, process, pull),
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
