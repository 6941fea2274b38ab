//! A `Job` of a hook or a migration: the release's image, environment and secrets, and another command.

use crate::{
    json::set,
    render::{self, INSTANCE, JOB, labels},
};
use serde_json::{Value, json};
use windlass_model::{
    job::{Release, Stage},
    spec,
};

/// `ttlSecondsAfterFinished`: a week. Finished Jobs are kept for a look, and so that a daemon that was away
/// makes none twice.
const KEPT_SECONDS: u32 = 7 * 24 * 3600;

/// Label of Jobs that have the lock of their migration, or wait for it.
pub(super) const LOCK: &str = "windlass.dev/migration-lock";

/// Characters of a Job's name, without its hash.
const LONGEST: usize = 50;

/// Returns the name of a Job, made of app, hook and the action's key.
pub(crate) fn name(release: &Release, hook: &str, key: &str) -> String {
    let mut name = format!("{}-{hook}", release.app.name);
    // Names are ASCII. With the hash, the name is a label's value too, of at most 63 characters.
    name.truncate(LONGEST);
    format!("{}-{}", name.trim_end_matches('-'), render::short_hash(key))
}

/// Returns a Job without its spec, for patches.
pub(crate) fn head(release: &Release, name: &str) -> Value {
    json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": { "name": name, "namespace": release.app.namespace() },
    })
}

/// A Job that a hook requests.
pub(crate) struct HookJob<'a> {
    pub(crate) hook: &'a str,
    /// Key of the action: the same for the same Job.
    pub(crate) key: &'a str,
    pub(crate) command: &'a [String],
    pub(crate) timeout_ms: u32,
    /// The namespace has a pull secret.
    pub(crate) pull: bool,
}

/// A Job that was made.
pub(super) struct Begun<'a> {
    pub(super) name: &'a str,
    /// Source of its lines in the job's log.
    pub(super) source: &'a str,
    /// Stage of its lines.
    pub(super) stage: Stage,
    /// Time limit, which the cluster enforces.
    pub(super) timeout_ms: u32,
}

/// Renders a Job.
pub(crate) fn manifest(release: &Release, name: &str, job: &HookJob<'_>) -> Value {
    let mut labels = labels(release);
    // Another instance than the app's own, or its Service would send it requests.
    set(&mut labels, INSTANCE, json!(instance(release)));
    let web = spec::web(8080, None);
    let process = release.runtime.web().or(release.runtime.processes.first()).unwrap_or(&web);
    let mut container = render::container(release, process);
    // One pod at a time may have a volume of the app, so the Job has none.
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

/// Returns the value of [`INSTANCE`] for a hook's pods. No app's name holds `--`.
pub(super) fn instance(release: &Release) -> String {
    format!("{}--hook", release.app.name)
}
