//! Carries a change out: in waves, each after the one before.

use crate::{
    client::Client,
    render::{self, PullLogin, manifests},
};
use serde_json::json;
use std::collections::BTreeMap;
use windlass_core::{
    job::Release,
    ports::{ClusterError, Secrets},
};

/// Applies the objects of a release: the namespace, then what pods need, then, unless it is only
/// prepared, the Deployment.
pub(crate) async fn apply(
    client: &Client,
    release: &Release,
    secrets: &dyn Secrets,
    pull: Option<&PullLogin>,
    pods: bool,
) -> Result<(), ClusterError> {
    let mut values = BTreeMap::new();
    for secret in &release.runtime.secrets {
        let version = Some(secret.version);
        let (value, _) = secrets.open(&release.app.project, &secret.name, version).await?;
        values.insert(secret.env.clone(), value);
    }
    let all = manifests(release, Some(&values), pull);
    let mut all = all.iter();
    if let Some(namespace) = all.next() {
        match client.apply(namespace).await {
            // An account that may not touch namespaces deploys into one that an admin made.
            Err(ClusterError::Forbidden { .. }) | Ok(()) => {}
            Err(error) => return Err(error),
        }
    }
    let rest: Vec<_> = all.collect();
    if let Some((deployment, before)) = rest.split_last() {
        futures::future::try_join_all(before.iter().map(|manifest| client.apply(manifest))).await?;
        if pods {
            client.apply(deployment).await?;
        }
    }
    Ok(())
}

/// Scales an app that never served to nothing; one that is not there is no error.
pub(crate) async fn retire(client: &Client, release: &Release) -> Result<(), ClusterError> {
    let head = render::deployment_head(release);
    match client.merge(&head, &json!({ "spec": { "replicas": 0 } })).await {
        Err(ClusterError::Rejected { message, .. }) if message.contains("not found") => Ok(()),
        done => done,
    }
}
