//! Pauses of releases that are under way, and the end of one by a person.

use super::{
    answer::{Answer, Door},
    body::Body,
};
use crate::identify::Known;
use axum::{
    Json,
    extract::{Path, State},
};
use serde::Deserialize;
use windlass_api::shown;
use windlass_proto::v1;
use windlass_service::InterventionRequest;

/// Body of a pause, of its end, and of an abort.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reason {
    /// Note for the journal. Empty means none.
    #[serde(default)]
    note: String,
}

/// Lets a release take no further step.
pub(super) async fn pause(
    State(door): Door,
    known: Known,
    Path(id): Path<String>,
    Body(Reason { note }): Body<Reason>,
) -> Answer<v1::Job> {
    let record = door.services.pause(known.caller(), InterventionRequest { id, note }).await?;
    Ok(Json(shown::job(&door.services, record)))
}

/// Lets a release that is paused go on.
pub(super) async fn resume(
    State(door): Door,
    known: Known,
    Path(id): Path<String>,
    Body(Reason { note }): Body<Reason>,
) -> Answer<v1::Job> {
    let record = door.services.resume(known.caller(), InterventionRequest { id, note }).await?;
    Ok(Json(shown::job(&door.services, record)))
}

/// Ends a release, and puts the previous one back.
pub(super) async fn abort(
    State(door): Door,
    known: Known,
    Path(id): Path<String>,
    Body(Reason { note }): Body<Reason>,
) -> Answer<v1::Job> {
    let record = door.services.abort(known.caller(), InterventionRequest { id, note }).await?;
    Ok(Json(shown::job(&door.services, record)))
}
