//! Ownership of objects, by their labels. An object of another app or tool is never changed or deleted.

use crate::{
    json::text,
    render::{INSTANCE, MANAGED_BY, OURS},
};
use kube::{api::DynamicObject, core::ObjectMeta};
use serde_json::Value;
use windlass_model::error::ClusterError;

/// Returns whether an object is of the same app as the one that would be applied in its place.
pub(crate) fn is_of_same_app(live: &ObjectMeta, manifest: &Value) -> bool {
    let app = text(manifest, "/metadata/labels/app.kubernetes.io~1instance");
    is_of_app(live, app)
}

/// Returns whether a release of an app made an object.
pub(crate) fn is_of_app(live: &ObjectMeta, app: &str) -> bool {
    label(live, MANAGED_BY) == Some(OURS) && label(live, INSTANCE) == Some(app)
}

/// Returns whether labels say that an object is of another tool or app now. Taking an object over leaves its uid.
pub(super) fn is_of_other(live: &ObjectMeta, app: &str) -> bool {
    // Those of its hooks are the app's own. No app's name has `--`.
    let is_own = |of: &str| of.split_once("--").map_or(of, |(of, _)| of) == app;
    label(live, MANAGED_BY).is_some_and(|by| by != OURS)
        || label(live, INSTANCE).is_some_and(|of| !is_own(of))
}

/// Returns the error that names the owner of an object. An apply alone would not fail: equal values are no
/// conflict, and two of our own apps have the same field manager.
pub(crate) fn of_another(live: &DynamicObject, object: String) -> ClusterError {
    let message = match (label(&live.metadata, MANAGED_BY), label(&live.metadata, INSTANCE)) {
        (Some(OURS), Some(app)) => format!("it is of the app `{app}` in the same namespace"),
        _ => {
            let mut managers = live.metadata.managed_fields.iter().flatten();
            let first = managers.find_map(|entry| entry.manager.clone());
            let who = first.map_or_else(String::new, |name| format!(" by `{name}`"));
            format!("it was made{who}, and not by a release of this app")
        }
    };
    ClusterError::Conflict { object, message }
}

/// Returns the value of a label. `None` means that the object has no such label.
pub(super) fn label<'a>(of: &'a ObjectMeta, key: &str) -> Option<&'a str> {
    of.labels.as_ref()?.get(key).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_object_is_of_one_app() {
        let live = |labels: Value| -> DynamicObject {
            serde_json::from_value(json!({
                "apiVersion": "v1", "kind": "Service",
                "metadata": { "name": "web-worker", "labels": labels, "managedFields": [{ "manager": "kubectl-create" }] },
            }))
            .unwrap()
        };
        let manifest = json!({ "metadata": { "labels": { INSTANCE: "web" } } });
        for (labels, ours, says) in [
            (json!({ MANAGED_BY: OURS, INSTANCE: "web" }), true, "app `web`"),
            (json!({ MANAGED_BY: OURS, INSTANCE: "web-worker" }), false, "app `web-worker`"),
            (json!({ MANAGED_BY: "Helm", INSTANCE: "web" }), false, "by `kubectl-create`"),
            (json!({}), false, "by `kubectl-create`"),
        ] {
            let live = live(labels);
            assert_eq!(is_of_same_app(&live.metadata, &manifest), ours, "{live:?}");
            let has_labels = live.metadata.labels.as_ref().is_some_and(|all| !all.is_empty());
            assert_eq!(is_of_other(&live.metadata, "web"), !ours && has_labels, "{live:?}");
            let error = of_another(&live, "Service web-worker".into()).to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
