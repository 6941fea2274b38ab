//! Scalers that are not part of a release: `replicas` of a workload is theirs to set.

use super::owner::is_of_same_app;
use crate::{
    client::{Client, limited},
    json::text,
};
use k8s_openapi::{
    api::autoscaling::v2::HorizontalPodAutoscaler,
    apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta},
};
use kube::api::ListParams;
use serde_json::Value;
use windlass_model::error::ClusterError;

/// Returns the manifest without `replicas`, where an autoscaler sets them. `None` means that none does.
pub(crate) async fn without_replicas(
    client: &Client,
    manifest: &Value,
    live: &ObjectMeta,
) -> Result<Option<Value>, ClusterError> {
    let mut rest = manifest.clone();
    let spec = rest.get_mut("spec").and_then(Value::as_object_mut);
    if spec.and_then(|spec| spec.remove("replicas")).is_none() {
        return Ok(None);
    }
    // Managers of fields stay listed after a program is removed or a person has scaled once: only an autoscaler
    // that exists counts. KEDA makes a HorizontalPodAutoscaler of each ScaledObject.
    let is_scaled = scaler(live).is_some() && has_autoscaler(client, manifest).await?;
    Ok(is_scaled.then_some(rest))
}

/// Returns whether one of these managers owns `replicas`.
pub(crate) fn sets_replicas(of: &ObjectMeta, managers: &[&str]) -> bool {
    let mut entries = of.managed_fields.iter().flatten().filter(|entry| has_replicas(entry));
    entries.any(|entry| managers.iter().any(|name| entry.manager.as_deref() == Some(name)))
}

/// Returns the program that scales an object. A person who scaled with kubectl is none: the next release sets
/// the number again.
fn scaler(of: &ObjectMeta) -> Option<&str> {
    let entries = of.managed_fields.iter().flatten();
    let scaled = entries.filter(|entry| entry.subresource.as_deref() == Some("scale"));
    let mut managers =
        scaled.filter(|entry| has_replicas(entry)).filter_map(|entry| entry.manager.as_deref());
    managers.find(|name| !name.starts_with("kubectl"))
}

fn has_replicas(entry: &ManagedFieldsEntry) -> bool {
    let fields = entry.fields_v1.as_ref().map(|fields| &fields.0);
    fields.is_some_and(|fields| fields.pointer("/f:spec/f:replicas").is_some())
}

/// Returns whether a workload has an autoscaler, since the number that an autoscaler set stays after its
/// deletion. One of the app itself does not count: the release does not have it any more, and it is about to be
/// deleted. True where the account may not see autoscalers.
pub(crate) async fn has_autoscaler(
    client: &Client,
    manifest: &Value,
) -> Result<bool, ClusterError> {
    let api = client.api::<HorizontalPodAutoscaler>(text(manifest, "/metadata/namespace"));
    let all = match limited(api.list(&ListParams::default()), "autoscalers").await {
        Err(ClusterError::Forbidden { .. }) => return Ok(true),
        all => all?,
    };
    let is_target = |autoscaler: &HorizontalPodAutoscaler| {
        autoscaler.spec.as_ref().is_some_and(|spec| {
            spec.scale_target_ref.kind == text(manifest, "/kind")
                && spec.scale_target_ref.name == text(manifest, "/metadata/name")
        })
    };
    let mut others = all.items.iter().filter(|one| !is_of_same_app(&one.metadata, manifest));
    Ok(others.any(is_target))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_program_scales_and_a_person_did_once() {
        let live = |manager: &str, subresource: &str| -> ObjectMeta {
            serde_json::from_value(json!({ "managedFields": [{
                "manager": manager, "operation": "Update", "subresource": subresource,
                "fieldsType": "FieldsV1", "fieldsV1": { "f:spec": { "f:replicas": {} } },
            }] }))
            .unwrap()
        };
        for (manager, subresource, found) in [
            ("kube-controller-manager", "scale", Some("kube-controller-manager")),
            ("keda", "scale", Some("keda")),
            ("kubectl", "scale", None),
            ("kubectl-patch", "scale", None),
            ("keda", "", None),
        ] {
            let live = live(manager, subresource);
            assert_eq!(scaler(&live), found, "{manager} {subresource}");
            assert!(sets_replicas(&live, &[manager]) && !sets_replicas(&live, &["windlass"]));
        }
    }
}
