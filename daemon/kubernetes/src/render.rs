//! From a release to objects. Pure: values of secrets are handed in by the caller.

use serde_json::Value;
use std::collections::BTreeMap;
use windlass_model::{job::Release, runtime::WEB, secret::Secret};

mod access;
mod config;
mod configured;
mod container;
mod names;
mod network;
mod own;
mod pod;
mod scale;
mod strategy;
mod workload;

pub(crate) use config::pull_secret;
pub(crate) use container::container;
pub(crate) use names::{
    APPLY_SET, COMPONENT, INSTANCE, JOB, MANAGED_BY, OURS, apply_set, inventory_name, labels,
    pull_name, set, short_hash, text, workload_name,
};
pub(crate) use own::{object as own_object, pods_of};
pub(crate) use pod::{account_name, pull_secrets, security};
pub(crate) use scale::{is_scaler, scaled};
pub(crate) use strategy::strategy;
pub(crate) use workload::kind;

/// How the cluster logs in at the registry.
#[derive(Clone, Debug)]
pub(crate) struct PullLogin {
    /// As image references name it: `registry.example.com:5000`.
    pub(crate) host: String,
    /// The user.
    pub(crate) user: String,
    /// Password or token.
    pub(crate) password: Secret,
}

impl PullLogin {
    /// A login that is spoken of, and not used.
    #[must_use]
    pub(crate) fn named(host: &str) -> Self {
        Self { host: host.into(), user: String::new(), password: Secret::new(Vec::new()) }
    }
}

/// All objects of a release, in the order in which they are applied; the namespace comes first.
/// `secrets` holds the values of `release.runtime.secrets`, by variable; none renders their names
/// only. `pod_security`: the level that the namespace enforces, where the operator wants one.
#[must_use]
pub(crate) fn manifests(
    release: &Release,
    secrets: Option<&BTreeMap<String, Secret>>,
    pull: Option<&PullLogin>,
    pod_security: Option<&str>,
) -> Vec<Value> {
    let runtime = &release.runtime;
    let mut all = vec![names::namespace(release, pod_security)];
    all.extend(access::service_account(release));
    all.extend(access::network_policy(release));
    all.extend(config::config_map(release));
    all.extend(config::secret(release, secrets));
    all.extend(pull.map(|login| pull_secret(release, login)));
    for process in &runtime.processes {
        all.extend(scale::disruption_budget(release, process));
        all.extend(workload::claims(release, process));
    }
    for process in &runtime.processes {
        all.extend(network::services(release, process));
    }
    for process in &runtime.processes {
        all.push(workload::workload(release, process, pull.is_some()));
    }
    all.extend(runtime.manifests.iter().filter_map(|manifest| own::object(release, manifest)));
    for process in &runtime.processes {
        all.extend(scale::autoscaler(release, process));
        if process.name == WEB {
            all.extend(network::route(release));
        }
    }
    scale::leave_replicas(&mut all);
    // Those of the repository's own go with their like.
    all.sort_by_key(wave);
    all
}

/// What is applied together, after what its like needs.
pub(crate) fn wave(object: &Value) -> usize {
    match text(object, "/kind") {
        "Namespace" => 0,
        "ServiceAccount"
        | "Role"
        | "RoleBinding"
        | "NetworkPolicy"
        | "PodDisruptionBudget"
        | "ConfigMap"
        | "Secret"
        | "PersistentVolumeClaim"
        | "LimitRange"
        | "ResourceQuota" => 1,
        "Service" => 2,
        "HorizontalPodAutoscaler" | "Ingress" | "HTTPRoute" => 4,
        _ if is_scaler(object) => 4,
        _ => 3,
    }
}

/// The wave that makes pods.
pub(crate) const PODS: usize = 3;

#[cfg(test)]
mod tests;
