//! Approvals of what jobs wait for.

use super::{
    answer::{Answer, Door},
    body::Body,
};
use crate::{identify::Known, problem::Problem};
use axum::{
    Json,
    extract::{Path, State},
};
use serde::Deserialize;
use windlass_api::shown;
use windlass_proto::v1;
use windlass_service::{ApproveRequest, RejectRequest};

/// Body of an approval and of a rejection.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Decision {
    /// Digest that the person saw: another one since is a conflict.
    pub(super) digest: String,
    /// Note for the journal. Empty means none.
    #[serde(default)]
    pub(super) note: String,
}

/// Approves exactly what the person saw.
pub(super) async fn approve(
    State(door): Door,
    known: Known,
    Path(id): Path<String>,
    Body(Decision { digest, note }): Body<Decision>,
) -> Answer<v1::Job> {
    let request = ApproveRequest { id, digest, note };
    let record = door.services.approve(known.caller(), request).await?;
    Ok(Json(shown::job(&door.services, record)))
}

/// Ends a job at its gate.
pub(super) async fn reject(
    State(door): Door,
    known: Known,
    Path(id): Path<String>,
    Body(Decision { digest, note }): Body<Decision>,
) -> Answer<v1::Job> {
    if digest.is_empty() {
        let expected = "is missing: it names exactly what is rejected; the job has it in `held`";
        return Err(Problem::field("digest", &digest, expected));
    }
    let request = RejectRequest { id, digest, note };
    let record = door.services.reject(known.caller(), request).await?;
    Ok(Json(shown::job(&door.services, record)))
}
