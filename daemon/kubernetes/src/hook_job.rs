//! A hook's Job: the release's image, environment and secrets, and another command.

use crate::render::{self, JOB, labels, set};
use serde_json::{Value, json};
use windlass_core::job::Release;

/// Finished Jobs are kept for a look, and so that none is made twice: a day.
const KEPT_SECONDS: u32 = 24 * 3600;

/// The Job's name: of the app, the hook, and what makes this action this one.
pub(crate) fn name(release: &Release, hook: &str, key: &str) -> String {
    format!("{}-{hook}-{}", release.app.name, render::short_hash(key))
}

/// `pull`: whether the namespace has a pull secret.
pub(crate) fn manifest(
    release: &Release,
    name: &str,
    command: &[String],
    timeout_ms: u32,
    pull: bool,
) -> Value {
    let mut labels = labels(release);
    // Another instance than the app's own, or its Service would send it requests.
    set(&mut labels, "app.kubernetes.io/instance", json!(instance(release)));
    let mut container = render::container(release);
    for own in ["ports", "startupProbe", "readinessProbe", "livenessProbe", "lifecycle"] {
        if let Some(container) = container.as_object_mut() {
            container.remove(own);
        }
    }
    set(&mut container, "command", json!(command));
    let mut pod = json!({
        "automountServiceAccountToken": false,
        "enableServiceLinks": false,
        "restartPolicy": "Never",
        "securityContext": render::pod_security(release.runtime.user),
        "containers": [container],
    });
    if pull {
        set(&mut pod, "imagePullSecrets", json!([{ "name": render::pull_name(release) }]));
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
            "activeDeadlineSeconds": timeout_ms.div_ceil(1000).max(1),
            "ttlSecondsAfterFinished": KEPT_SECONDS,
            "template": { "metadata": { "labels": labels }, "spec": pod },
        },
    })
}

/// No app's name holds `--`.
fn instance(release: &Release) -> String {
    format!("{}--hook", release.app.name)
}
