//! Renders a release as Kubernetes objects. Pure: the caller hands in values of secrets.

mod aside;
mod autoscaler;
mod common;
mod config_hash;
mod config_map;
mod container;
mod disruption_budget;
mod image;
mod names;
mod namespace;
mod network_policy;
mod ordering;
mod pod;
mod pull_secret;
mod route;
mod secret;
mod service;
mod service_account;
mod strategy;
mod traffic;
mod user_manifests;
mod volume_claim;
mod waves;
mod workload;

pub(crate) use aside::beside;
pub(crate) use autoscaler::{is_scaler, scaled};
pub(crate) use container::container;
pub(crate) use names::{
    APPLY_SET, COMPONENT, INSTANCE, JOB, MANAGED_BY, NAME, OURS, PART_OF, TRACKS, account_name,
    apply_set, inventory_name, labels, preview_name, pull_name, service_name, short_hash,
    track_name, workload_name,
};
pub(crate) use namespace::namespace;
pub(crate) use ordering::{is_ordered, starts_in_order};
pub(crate) use pod::{pull_secrets, security};
pub(crate) use pull_secret::{PullLogin, pull_secret};
pub(crate) use strategy::strategy;
pub(crate) use traffic::{
    is_followed, is_route, shared_route, shared_service, shared_virtual_service, traffic,
};
pub(crate) use user_manifests::{object as own_object, pods_of};
pub(crate) use waves::{PODS, wave};
pub(crate) use workload::kind;

use crate::object::ObjectRef;
use common::common;
use serde_json::Value;
use std::collections::BTreeMap;
use windlass_model::{job::Release, runtime::WEB, secret::Secret};

/// Renders all objects of a release, in the order of applying. The namespace comes first. Of a release that runs aside
/// they are fewer.
///
/// `secrets` holds the values of `release.runtime.secrets`, by variable. `None` renders `***` in the place of
/// values. `pull` is the login of the pull secret. `None` renders none. `pod_security` is the level of
/// `pod-security.kubernetes.io/enforce`. `None` leaves the level to others.
#[must_use]
pub(crate) fn manifests(
    release: &Release,
    secrets: Option<&BTreeMap<String, Secret>>,
    pull: Option<&PullLogin>,
    pod_security: Option<&str>,
) -> Vec<Value> {
    let runtime = &release.runtime;
    if let Some(beside) = runtime.aside {
        return aside::manifests(release, beside, secrets, pull, pod_security);
    }
    let mut all = common(release, secrets, pull, pod_security);
    for process in &runtime.processes {
        all.extend(disruption_budget::disruption_budget(release, process));
        all.extend(volume_claim::claims(release, process));
    }
    for process in &runtime.processes {
        all.extend(service::services(release, process));
    }
    for process in &runtime.processes {
        all.push(workload::workload(release, process, pull.is_some()));
    }
    all.extend(
        runtime.manifests.iter().filter_map(|manifest| user_manifests::object(release, manifest)),
    );
    for process in &runtime.processes {
        all.extend(autoscaler::autoscaler(release, process));
        if process.name == WEB {
            all.extend(route::route(release));
            all.extend(traffic::virtual_service(release));
        }
    }
    autoscaler::leave_replicas(&mut all);
    // Objects of the repository's own are applied together with ours of the same wave.
    all.sort_by_key(wave);
    all
}

/// Returns the first object that comes twice: a manifest of the repository's own has the kind and name of an object
/// that Windlass makes, or of another manifest. The later one would silently replace the other.
pub(crate) fn twice(objects: &[Value]) -> Option<ObjectRef> {
    let all: Vec<_> = objects.iter().map(ObjectRef::of).collect();
    let comes_before =
        |(index, one): &(usize, &ObjectRef)| all.iter().take(*index).any(|before| before.is(one));
    all.iter().enumerate().find(comes_before).map(|(_, one)| one.clone())
}

#[cfg(test)]
mod tests;
