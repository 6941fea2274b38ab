//! Plugins and clusters, for operators.

use super::answer::{Answer, Door};
use crate::identify::Known;
use axum::{Json, extract::State};
use serde::Serialize;
use windlass_api::shown;
use windlass_proto::v1;

/// Returns the plugins that new jobs begin with.
pub(super) async fn plugins(State(door): Door, known: Known) -> Answer<Vec<v1::Plugin>> {
    let plugins = door.services.list_plugins(known.caller())?;
    Ok(Json(plugins.into_iter().map(shown::plugin).collect()))
}

/// A cluster.
#[derive(Serialize)]
pub(super) struct Cluster {
    name: String,
    /// Projects that it is for. Empty means all.
    projects: Vec<String>,
    /// Environments that it is for. Empty means all.
    environments: Vec<String>,
}

/// Returns the clusters, in the operator's order.
pub(super) async fn clusters(State(door): Door, known: Known) -> Answer<Vec<Cluster>> {
    let clusters = door.services.list_clusters(known.caller())?;
    let shown = clusters.into_iter().map(|target| Cluster {
        name: target.name,
        projects: target.projects,
        environments: target.environments,
    });
    Ok(Json(shown.collect()))
}
