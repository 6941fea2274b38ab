//! Plugins, the builder and the clusters, for operators.

use super::answer::{Answer, Door};
use crate::identify::Known;
use axum::{Json, extract::State};
use serde::Serialize;
use windlass_api::shown;
use windlass_engine::queue::{SlotUsage, Usage};
use windlass_proto::v1;
use windlass_service::{ClusterState, Infrastructure};

/// Returns the plugins that new jobs begin with.
pub(super) async fn plugins(State(door): Door, known: Known) -> Answer<Vec<v1::Plugin>> {
    let plugins = door.services.list_plugins(known.caller())?;
    Ok(Json(plugins.into_iter().map(shown::plugin).collect()))
}

/// Parts that jobs run on.
#[derive(Serialize)]
pub(super) struct Parts {
    pub(super) builder: BuilderPart,
    /// In the operator's order.
    pub(super) clusters: Vec<ClusterPart>,
    pub(super) jobs: JobCounts,
    pub(super) slots: Vec<SlotCounts>,
}

/// The builder.
#[derive(Serialize)]
pub(super) struct BuilderPart {
    pub(super) address: String,
    #[serde(flatten)]
    pub(super) answer: PartAnswer,
}

/// A cluster.
#[derive(Serialize)]
pub(super) struct ClusterPart {
    pub(super) name: String,
    /// Projects that it is for. Empty means all.
    pub(super) projects: Vec<String>,
    /// Environments that it is for. Empty means all.
    pub(super) environments: Vec<String>,
    #[serde(flatten)]
    pub(super) answer: PartAnswer,
}

/// Answer of a part to the question for its version.
#[derive(Serialize)]
pub(super) struct PartAnswer {
    /// Version. Empty means that the part gives none, or is not reached.
    pub(super) version: String,
    /// Reason for which the part is not reached. `None` means that it is.
    pub(super) why: Option<String>,
}

/// Jobs that have not ended.
#[derive(Serialize)]
pub(super) struct JobCounts {
    pub(super) running: usize,
    /// Number of jobs that may run at once.
    pub(super) limit: usize,
    pub(super) waiting: usize,
    /// Jobs that wait for an approval.
    pub(super) held: usize,
}

/// Slots of one kind, in one place.
#[derive(Serialize)]
pub(super) struct SlotCounts {
    /// `checkout`, `build` or `release`.
    pub(super) kind: &'static str,
    /// Cluster of a release. `None` means that the work is done in no cluster.
    pub(super) cluster: Option<String>,
    pub(super) limit: usize,
    pub(super) taken: usize,
    pub(super) waiting: usize,
}

fn answer(version: Result<String, String>) -> PartAnswer {
    match version {
        Ok(version) => PartAnswer { version, why: None },
        Err(why) => PartAnswer { version: String::new(), why: Some(why) },
    }
}

fn cluster(state: ClusterState) -> ClusterPart {
    let ClusterState { target, version } = state;
    ClusterPart {
        name: target.name,
        projects: target.projects,
        environments: target.environments,
        answer: answer(version),
    }
}

fn slot(usage: SlotUsage) -> SlotCounts {
    let SlotUsage { kind, cluster, limit, taken, waiting } = usage;
    SlotCounts { kind: kind.name(), cluster, limit, taken, waiting }
}

/// Returns the builder and the clusters, as they answer now, and the use of the slots.
pub(super) async fn infrastructure(State(door): Door, known: Known) -> Answer<Parts> {
    let Infrastructure { builder, clusters, usage } =
        door.services.infrastructure(known.caller()).await?;
    let Usage { running, limit, waiting, held, slots } = usage;
    Ok(Json(Parts {
        builder: BuilderPart { address: builder.address, answer: answer(builder.version) },
        clusters: clusters.into_iter().map(cluster).collect(),
        jobs: JobCounts { running, limit, waiting, held },
        slots: slots.into_iter().map(slot).collect(),
    }))
}
