//! The `Namespace` of an app.

use super::names::{MANAGED_BY, OURS, PART_OF};
use crate::json::set;
use serde_json::{Value, json};
use windlass_model::job::Release;

/// Renders the Namespace. `pod_security` is the level of `pod-security.kubernetes.io/enforce`. `None` leaves it
/// out.
pub(crate) fn namespace(release: &Release, pod_security: Option<&str>) -> Value {
    let mut labels = json!({
        PART_OF: release.app.project,
        MANAGED_BY: OURS,
    });
    if let Some(level) = pod_security {
        set(&mut labels, "pod-security.kubernetes.io/enforce", json!(level));
    }
    json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": { "name": release.app.namespace(), "labels": labels },
    })
}
