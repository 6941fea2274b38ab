//! Objects that all processes of a release share.

use super::{
    config_map::config_map,
    namespace::namespace,
    network_policy::network_policy,
    pull_secret::{PullLogin, pull_secret},
    secret::secret,
    service_account::service_account,
};
use serde_json::Value;
use std::collections::BTreeMap;
use windlass_model::{job::Release, secret::Secret};

/// Renders the objects. The namespace comes first.
pub(super) fn common(
    release: &Release,
    secrets: Option<&BTreeMap<String, Secret>>,
    pull: Option<&PullLogin>,
    pod_security: Option<&str>,
) -> Vec<Value> {
    let mut all = vec![namespace(release, pod_security)];
    all.extend(service_account(release));
    all.extend(network_policy(release));
    all.extend(config_map(release));
    all.extend(secret(release, secrets));
    all.extend(pull.map(|login| pull_secret(release, login)));
    all
}
