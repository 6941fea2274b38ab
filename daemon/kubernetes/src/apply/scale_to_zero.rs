//! Stops the pods of an app that never served. Its other objects stay for a look.

use super::owner::is_of_app;
use crate::{
    client::Client,
    json::text,
    object::ObjectRef,
    render::{self, JOB, workload_name},
};
use serde_json::json;
use windlass_model::{error::ClusterError, job::Release};

/// Stops the pods of a release, and deletes the repository's own Deployments, DaemonSets and scalers.
pub(crate) async fn scale_to_zero(client: &Client, release: &Release) -> Result<(), ClusterError> {
    stop(client, release).await?;
    remove_own(client, release).await
}

async fn stop(client: &Client, release: &Release) -> Result<(), ClusterError> {
    for process in &release.runtime.processes {
        let kind = render::kind(process);
        let name = workload_name(release, process);
        let api_version = if kind == "CronJob" { "batch/v1" } else { "apps/v1" };
        let head = ObjectRef::new(api_version, kind, &name).head(&release.app.namespace());
        let stop = match kind {
            "CronJob" => json!({ "spec": { "suspend": true } }),
            _ => json!({ "spec": { "replicas": 0 } }),
        };
        let live = client.find(&head).await?;
        // An object of that name may be somebody else's, which may be why the release failed.
        if live.is_some_and(|live| is_of_app(&live.metadata, &release.app.name)) {
            client.merge(&head, &stop).await?;
        }
    }
    Ok(())
}

/// Deletes workloads of the repository's own, and what would scale their pods up again.
///
/// A manifest may set no `replicas`, so a 0 that we set would stay at 0 in the next release. Deployments and
/// DaemonSets hold no data, and the next release makes them again. A StatefulSet stays. A Job stays too, since
/// a Job ends by itself and runs once for each image.
async fn remove_own(client: &Client, release: &Release) -> Result<(), ClusterError> {
    for manifest in &release.runtime.manifests {
        let Some(object) = render::own_object(release, manifest) else { continue };
        let runs = matches!(text(&object, "/kind"), "Deployment" | "DaemonSet");
        if !runs && !render::is_scaler(&object) {
            continue;
        }
        let Some(live) = client.find(&object).await? else { continue };
        let metadata = live.metadata;
        let of = metadata.annotations.as_ref().and_then(|all| all.get(JOB));
        if of == Some(&release.id) {
            client.delete(&object, metadata.uid.as_deref().unwrap_or_default()).await?;
        }
    }
    Ok(())
}
