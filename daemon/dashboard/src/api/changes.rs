//! Changes from the release before to that of a job.

use super::answer::{Answer, Door};
use crate::identify::Known;
use axum::{
    Json,
    extract::{Path, State},
};
use serde::Serialize;
use windlass_api::shown;
use windlass_proto::v1;
use windlass_service::ClusterChanges;

/// Changes of a job.
#[derive(Serialize)]
pub(super) struct Changes {
    /// Digest of what is released. Empty means that nothing is built yet.
    pub(super) digest: String,
    pub(super) clusters: Vec<InCluster>,
}

/// Changes in one cluster.
#[derive(Serialize)]
pub(super) struct InCluster {
    pub(super) cluster: String,
    /// Id of the release that is compared with. `None` means that all objects are new.
    pub(super) before: Option<String>,
    pub(super) changes: Vec<v1::ObjectChange>,
    /// Number of objects that stay as they are.
    pub(super) kept: usize,
    /// Number of objects and lines that are not shown.
    pub(super) left_out: usize,
    /// Reason for which nothing is compared. `None` means that it is.
    pub(super) why: Option<String>,
}

/// Returns the changes of a job.
pub(super) async fn changes(
    State(door): Door,
    known: Known,
    Path(id): Path<String>,
) -> Answer<Changes> {
    let found = door.services.job_changes(known.caller(), &id).await?;
    let in_cluster = |found: ClusterChanges| {
        let ClusterChanges { cluster, before, changes, kept, left_out, why } = found;
        let changes = changes.into_iter().map(|change| shown::change(&cluster, change)).collect();
        InCluster { cluster, before, changes, kept, left_out, why }
    };
    let clusters = found.clusters.into_iter().map(in_cluster).collect();
    Ok(Json(Changes { digest: found.digest, clusters }))
}
