//! Contents of a namespace, of all kinds: it is deleted only where nobody else has anything in it.

use super::{Client, error::limited};
use futures::future::try_join_all;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{
    Api,
    api::{DynamicObject, ListParams},
    core::ApiResource,
    discovery::{Discovery, Scope, verbs},
};
use windlass_model::error::ClusterError;

/// Objects of one kind that are looked at. More of them are not empty.
const LOOKED_AT: u32 = 50;

/// Kinds whose objects tell of others, and are gone with those.
const TELLING: [&str; 5] = ["Event", "Endpoints", "EndpointSlice", "PodMetrics", "Lease"];

/// Objects that a cluster makes in each namespace.
const FURNITURE: [(&str, &str); 2] =
    [("ServiceAccount", "default"), ("ConfigMap", "kube-root-ca.crt")];

/// Annotation of the tokens that older clusters make for service accounts.
const TOKEN_OF: &str = "kubernetes.io/service-account.name";

impl Client {
    /// Returns an object of a namespace that somebody made there, as kind and name. `None` means that the namespace is
    /// empty. A kind that may not be listed is [`ClusterError::Forbidden`].
    pub(crate) async fn content(&self, namespace: &str) -> Result<Option<String>, ClusterError> {
        let discovery = Discovery::new(self.inner()).run_aggregated();
        let discovery = limited(discovery, "the list of kinds").await?;
        let kinds = discovery.groups().flat_map(|group| group.resources_by_stability());
        let kinds = kinds.filter(|(kind, may)| {
            may.scope == Scope::Namespaced
                && may.supports_operation(verbs::LIST)
                && !TELLING.contains(&kind.kind.as_str())
        });
        let kinds: Vec<_> = kinds.map(|(kind, _)| kind).collect();
        let found = kinds.iter().map(|kind| self.content_of(namespace, kind));
        Ok(try_join_all(found).await?.into_iter().flatten().next())
    }

    async fn content_of(
        &self,
        namespace: &str,
        kind: &ApiResource,
    ) -> Result<Option<String>, ClusterError> {
        let _one = self.shared.calls.acquire().await;
        let api: Api<DynamicObject> = Api::namespaced_with(self.inner(), namespace, kind);
        let params = ListParams::default().limit(LOOKED_AT);
        let list = limited(api.list_metadata(&params), &kind.plural).await?;
        let mut found = list.items.iter().map(|item| &item.metadata);
        let found = found.find(|metadata| counts(&kind.kind, metadata));
        let name = match found {
            Some(metadata) => metadata.name.clone().unwrap_or_default(),
            None if list.metadata.continue_.as_ref().is_some_and(|more| !more.is_empty()) => {
                format!("and more than {LOOKED_AT} of them")
            }
            None => return Ok(None),
        };
        Ok(Some(format!("{} {name}", kind.kind)))
    }
}

/// Returns whether somebody made an object, and wants it there.
fn counts(kind: &str, metadata: &ObjectMeta) -> bool {
    let name = metadata.name.as_deref().unwrap_or_default();
    let has_owner = metadata.owner_references.as_ref().is_some_and(|owners| !owners.is_empty());
    let annotations = metadata.annotations.as_ref();
    let token_of = annotations.and_then(|all| all.get(TOKEN_OF)).map(String::as_str);
    let is_furniture =
        FURNITURE.contains(&(kind, name)) || (kind == "Secret" && token_of == Some("default"));
    !has_owner && !is_furniture && metadata.deletion_timestamp.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn what_the_cluster_makes_by_itself_is_nobodys() {
        let counts = |kind: &str, metadata: Value| {
            counts(kind, &serde_json::from_value::<ObjectMeta>(metadata).unwrap())
        };
        assert!(counts("ConfigMap", json!({ "name": "notes" })));
        assert!(counts("Secret", json!({ "name": "kube-root-ca.crt" })));
        assert!(counts("PersistentVolumeClaim", json!({ "name": "disk" })));
        for (kind, metadata) in [
            ("ConfigMap", json!({ "name": "kube-root-ca.crt" })),
            ("ServiceAccount", json!({ "name": "default" })),
            (
                "Secret",
                json!({ "name": "default-token-x", "annotations": { TOKEN_OF: "default" } }),
            ),
            ("Pod", json!({ "name": "web-1", "deletionTimestamp": "2025-11-25T17:53:02Z" })),
            (
                "Pod",
                json!({ "name": "web-1", "ownerReferences": [
                    { "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "1" },
                ] }),
            ),
        ] {
            assert!(!counts(kind, metadata.clone()), "{kind} {metadata}");
        }
    }
}
