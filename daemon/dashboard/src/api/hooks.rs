//! Hooks that forges call. Their secrets are shown on the command line, once.

use super::answer::{Answer, Door};
use crate::identify::Known;
use axum::{
    Json,
    extract::{Path, State},
};
use windlass_api::shown;
use windlass_proto::v1;

/// Returns the hooks of a project, the oldest first.
pub(super) async fn list(
    State(door): Door,
    known: Known,
    Path(project): Path<String>,
) -> Answer<Vec<v1::Hook>> {
    let found = door.services.list_hooks(known.caller(), &project).await?;
    Ok(Json(found.into_iter().map(|record| shown::hook(&door.services, record)).collect()))
}
