//! Server-side apply. Fields that others own are taken only from objects of the same app.

use super::{owner::is_of_same_app, scalers::without_replicas};
use crate::client::{ApplyOptions, Client};
use kube::api::DynamicObject;
use serde_json::Value;
use windlass_model::error::ClusterError;

/// Applies an object.
pub(crate) async fn apply(
    client: &Client,
    manifest: &Value,
) -> Result<DynamicObject, ClusterError> {
    patch(client, manifest, ApplyOptions::default()).await
}

/// Returns an object as applying would leave it.
pub(crate) async fn dry_run(
    client: &Client,
    manifest: &Value,
) -> Result<DynamicObject, ClusterError> {
    patch(client, manifest, ApplyOptions { dry_run: true, ..ApplyOptions::default() }).await
}

async fn patch(
    client: &Client,
    manifest: &Value,
    how: ApplyOptions,
) -> Result<DynamicObject, ClusterError> {
    match client.apply(manifest, how).await {
        Err(ClusterError::Conflict { object, message }) => {
            // Deleted since then: no field has an owner any more. An object that another tool makes in
            // between is a conflict again.
            let Some(live) = client.find(manifest).await? else {
                return client.apply(manifest, how).await;
            };
            if !is_of_same_app(&live.metadata, manifest) {
                return Err(ClusterError::Conflict { object, message });
            }
            let rest = without_replicas(client, manifest, &live.metadata).await?;
            client
                .apply(rest.as_ref().unwrap_or(manifest), ApplyOptions { force: true, ..how })
                .await
        }
        applied => applied,
    }
}
