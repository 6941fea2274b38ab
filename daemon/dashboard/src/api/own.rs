//! Registries and clusters of a project's own. They are put and removed on the command line, which has the files with
//! their secrets.

use super::{
    answer::{Answer, Door},
    body::{Body, Empty},
};
use crate::identify::Known;
use axum::{
    Json,
    extract::{Path, State},
};
use serde::Serialize;
use windlass_api::shown;
use windlass_proto::v1;

/// Returns the registries of a project's own, by host.
pub(super) async fn registries(
    State(door): Door,
    known: Known,
    Path(project): Path<String>,
) -> Answer<Vec<v1::Registry>> {
    let found = door.services.list_registries(known.caller(), &project).await?;
    Ok(Json(found.into_iter().map(shown::registry).collect()))
}

/// Answer to a test of a registry.
#[derive(Serialize)]
pub(super) struct TestedRegistry {
    /// Logins that do not work. Empty means that all work.
    pub(super) findings: Vec<v1::RegistryFinding>,
}

/// Tries the logins of a registry.
pub(super) async fn test_registry(
    State(door): Door,
    known: Known,
    Path((project, host)): Path<(String, String)>,
    Body(Empty {}): Body<Empty>,
) -> Answer<TestedRegistry> {
    let found = door.services.test_registry(known.caller(), &project, &host).await?;
    let findings = found.into_iter().map(shown::registry_finding).collect();
    Ok(Json(TestedRegistry { findings }))
}

/// Returns the clusters of a project's own, by name.
pub(super) async fn clusters(
    State(door): Door,
    known: Known,
    Path(project): Path<String>,
) -> Answer<Vec<v1::OwnCluster>> {
    let found = door.services.list_own_clusters(known.caller(), &project).await?;
    Ok(Json(found.into_iter().map(shown::own_cluster).collect()))
}

/// Asks a cluster for its version, and for the rights of its account.
pub(super) async fn test_cluster(
    State(door): Door,
    known: Known,
    Path((project, name)): Path<(String, String)>,
    Body(Empty {}): Body<Empty>,
) -> Answer<v1::CheckedCluster> {
    let tested = door.services.test_cluster(known.caller(), &project, &name).await?;
    Ok(Json(shown::checked_cluster(tested)))
}
