//! A hook's Job: the release's image, environment and secrets, and another command.

use crate::{
    json::set,
    render::{self, INSTANCE, JOB, labels},
};
use serde_json::{Value, json};
use windlass_model::{job::Release, spec};

/// Finished Jobs are kept for a look, and so that a daemon that was away makes none twice: a week.
const KEPT_SECONDS: u32 = 7 * 24 * 3600;

/// Of a Job's name, without its hash.
const LONGEST: usize = 50;

/// The Job's name: of the app, the hook, and what makes this action this one.
pub(crate) fn name(release: &Release, hook: &str, key: &str) -> String {
    let mut name = format!("{}-{hook}", release.app.name);
    // Names are ASCII; with the hash it is a label too, of at most 63.
    name.truncate(LONGEST);
    format!("{}-{}", name.trim_end_matches('-'), render::short_hash(key))
}

/// Its name and namespace, for patches of it alone.
pub(crate) fn head(release: &Release, name: &str) -> Value {
    json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": { "name": name, "namespace": release.app.namespace() },
    })
}

/// The Job that a hook wants.
pub(crate) struct HookJob<'a> {
    pub(crate) hook: &'a str,
    /// The same for the same Job.
    pub(crate) key: &'a str,
    pub(crate) command: &'a [String],
    pub(crate) timeout_ms: u32,
    /// The namespace has a pull secret.
    pub(crate) pull: bool,
}

pub(crate) fn manifest(release: &Release, name: &str, job: &HookJob<'_>) -> Value {
    let mut labels = labels(release);
    // Another instance than the app's own, or its Service would send it requests.
    set(&mut labels, INSTANCE, json!(instance(release)));
    let web = spec::web(8080, None);
    let process = release.runtime.web().or(release.runtime.processes.first()).unwrap_or(&web);
    let mut container = render::container(release, process);
    // A volume of the app's may be one pod's at a time.
    for own in
        ["ports", "startupProbe", "readinessProbe", "livenessProbe", "lifecycle", "volumeMounts"]
    {
        if let Some(container) = container.as_object_mut() {
            container.remove(own);
        }
    }
    set(&mut container, "command", json!(job.command));
    let mut pod = json!({
        "automountServiceAccountToken": false,
        "enableServiceLinks": false,
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 10,
        "serviceAccountName": render::account_name(release),
        "securityContext": render::security(release.runtime.user),
        "containers": [container],
    });
    let secrets = render::pull_secrets(release, job.pull);
    if !secrets.is_empty() {
        set(&mut pod, "imagePullSecrets", json!(secrets));
    }
    json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "namespace": release.app.namespace(),
            "labels": labels,
            "annotations": { JOB: release.id },
        },
        "spec": {
            "backoffLimit": 0,
            "completions": 1,
            "parallelism": 1,
            "activeDeadlineSeconds": job.timeout_ms.div_ceil(1000).max(1),
            "ttlSecondsAfterFinished": KEPT_SECONDS,
            "template": { "metadata": { "labels": labels }, "spec": pod },
        },
    })
}

/// No app's name holds `--`.
fn instance(release: &Release) -> String {
    format!("{}--hook", release.app.name)
}
