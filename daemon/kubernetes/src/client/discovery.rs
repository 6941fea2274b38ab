//! Discovery of the kinds that a cluster serves: two requests, kept for ten minutes.

use super::error::limited;
use crate::object::ObjectRef;
use kube::{
    core::{ApiResource, GroupVersionKind},
    discovery::{Discovery, Scope},
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use windlass_model::error::ClusterError;

/// Time for which a discovery is kept.
const FRESH: Duration = Duration::from_secs(600);

/// API resources by API version and kind, each with whether its objects are in a namespace.
type Served = BTreeMap<(String, String), (ApiResource, bool)>;

/// Kinds that one cluster serves.
#[derive(Default)]
pub(crate) struct ServedKinds(Mutex<Option<(Instant, Arc<Served>)>>);

impl ServedKinds {
    /// Checks that all these objects can be made, each in a namespace.
    pub(crate) async fn check(
        &self,
        client: &kube::Client,
        objects: &[Value],
    ) -> Result<(), ClusterError> {
        let mut served = self.served(client, false).await?;
        for object in objects {
            let text = |key: &str| object[key].as_str().unwrap_or_default().to_owned();
            let key = (text("apiVersion"), text("kind"));
            if !served.contains_key(&key) {
                // The kind may have been installed a moment ago.
                served = self.served(client, true).await?;
            }
            let named = format!("{} ({})", key.1, key.0);
            match served.get(&key) {
                None => {
                    let mut others = served.keys().filter(|(_, kind)| *kind == key.1);
                    let message = match others.next() {
                        Some((version, _)) => format!("it is served as {version}"),
                        None => "the API server serves no such kind".into(),
                    };
                    return Err(ClusterError::NoKind { object: named, message });
                }
                Some((_, false)) if key.1 != "Namespace" => {
                    let message =
                        "it stands in no namespace: an app may only make objects of its own namespace"
                            .into();
                    return Err(ClusterError::Rejected { object: named, message });
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// Returns the other versions of its group in which the cluster serves an object's kind. Empty means that its own is
    /// served, or none.
    pub(crate) async fn other_versions(
        &self,
        client: &kube::Client,
        object: &ObjectRef,
    ) -> Result<Vec<String>, ClusterError> {
        // The version may have gone a moment ago.
        let served = self.served(client, true).await?;
        Ok(others(&served, object))
    }

    /// Returns the API resource of a kind. The resource of a kind that is not known is guessed.
    pub(crate) fn resource(&self, kind: &GroupVersionKind) -> ApiResource {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.as_ref().and_then(|(_, served)| {
            served.get(&(kind.api_version(), kind.kind.clone())).map(|(found, _)| found.clone())
        });
        known.unwrap_or_else(|| ApiResource::from_gvk(kind))
    }

    /// Returns the served kinds. `refresh` discovers them again, but not more than once a second.
    async fn served(
        &self,
        client: &kube::Client,
        refresh: bool,
    ) -> Result<Arc<Served>, ClusterError> {
        {
            let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((at, served)) = &*known
                && at.elapsed() < FRESH
                && !(refresh && at.elapsed() > Duration::from_secs(1))
            {
                return Ok(served.clone());
            }
        }
        let discovery = Discovery::new(client.clone()).run_aggregated();
        let discovery = limited(discovery, "the list of kinds").await?;
        let served: Served = discovery
            .groups()
            .flat_map(|group| {
                let versions: Vec<_> = group.versions().map(str::to_owned).collect();
                versions
                    .into_iter()
                    .flat_map(|version| group.versioned_resources(&version))
                    .map(|(resource, capabilities)| {
                        let namespaced = capabilities.scope == Scope::Namespaced;
                        let key = (resource.api_version.clone(), resource.kind.clone());
                        (key, (resource, namespaced))
                    })
                    .collect::<Vec<_>>()
            })
            .collect();
        let served = Arc::new(served);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((Instant::now(), served.clone()));
        Ok(served)
    }
}

fn others(served: &Served, object: &ObjectRef) -> Vec<String> {
    let ObjectRef { api_version, kind, .. } = object;
    if served.contains_key(&(api_version.clone(), kind.clone())) {
        return Vec::new();
    }
    let group = |version: &str| version.split_once('/').map_or("", |(group, _)| group).to_owned();
    let of_kind = served.keys().filter(|(_, other)| other == kind);
    let of_group = of_kind.filter(|(version, _)| group(version) == object.group());
    of_group.map(|(version, _)| version.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_looked_for_in_other_versions_of_its_group_alone() {
        let served: Served = [
            ("autoscaling/v2", "HorizontalPodAutoscaler"),
            ("keda.sh/v1", "ScaledObject"),
            ("other.example/v1", "ScaledObject"),
            ("v1", "Service"),
            ("serving.knative.dev/v1", "Service"),
        ]
        .into_iter()
        .map(|(version, kind)| {
            let (group, number) = version.split_once('/').unwrap_or(("", version));
            let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, number, kind));
            ((version.to_owned(), kind.to_owned()), (resource, true))
        })
        .collect();
        for (version, kind, expected) in [
            ("keda.sh/v1alpha1", "ScaledObject", "keda.sh/v1"),
            ("autoscaling/v2", "HorizontalPodAutoscaler", ""),
            ("autoscaling/v2beta2", "HorizontalPodAutoscaler", "autoscaling/v2"),
            ("v2", "Service", "v1"),
            ("gone.example/v1", "Service", ""),
        ] {
            let object = ObjectRef::new(version, kind, "web");
            assert_eq!(others(&served, &object).join(" "), expected, "{version} {kind}");
        }
    }
}
