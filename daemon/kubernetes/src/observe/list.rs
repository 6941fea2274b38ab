//! All objects of one app, listed once.

use super::{EVENTS, expected::expected, observed::Observed};
use crate::{
    client::{Client, limited},
    render::{INSTANCE, pods_of},
};
use k8s_openapi::{
    NamespaceResourceScope,
    api::{
        apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet},
        batch::v1::Job,
        core::v1::{Event, Pod},
    },
};
use kube::{Resource, api::ListParams};
use windlass_model::job::Release;

/// Lists the objects of a release as they are now. Kinds that cannot be listed are left out.
pub(crate) async fn list(client: &Client, release: &Release) -> Observed {
    let namespace = release.app.namespace();
    let ours = ListParams::default().labels(&format!("{INSTANCE}={}", release.app.name));
    let of_pods = ListParams::default().labels(&pods_of(release));
    let warnings = ListParams::default().fields(EVENTS);
    let expected = expected(release);
    let has = |kind: &str| expected.iter().any(|one| one.kind == kind);
    Observed {
        deployments: listed::<Deployment>(client, &namespace, &ours, has("Deployment")).await,
        stateful_sets: listed::<StatefulSet>(client, &namespace, &ours, has("StatefulSet")).await,
        daemon_sets: listed::<DaemonSet>(client, &namespace, &ours, has("DaemonSet")).await,
        jobs: listed::<Job>(client, &namespace, &ours, has("Job")).await,
        replica_sets: listed::<ReplicaSet>(client, &namespace, &of_pods, has("Deployment")).await,
        pods: listed::<Pod>(client, &namespace, &of_pods, true).await,
        events: listed::<Event>(client, &namespace, &warnings, true).await,
        expected,
        ..Observed::default()
    }
}

async fn listed<K>(client: &Client, namespace: &str, which: &ListParams, wanted: bool) -> Vec<K>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + Clone
        + std::fmt::Debug
        + serde::de::DeserializeOwned,
{
    if !wanted {
        return Vec::new();
    }
    let list = limited(client.api::<K>(namespace).list(which), "objects").await;
    list.map(|list| list.items).unwrap_or_default()
}
