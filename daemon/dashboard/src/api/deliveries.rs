//! Deliveries of forges, each with what came of it.

use super::{
    answer::{Answer, Door, Page, given},
    body::{Body, Empty},
};
use crate::identify::Known;
use axum::{
    Json,
    extract::{Path, Query, State},
};
use serde::Deserialize;
use windlass_api::shown;
use windlass_proto::v1;
use windlass_service::DeliveriesRequest;

/// Choice of deliveries.
#[derive(Deserialize)]
pub(super) struct Choice {
    repository: Option<String>,
    before: Option<String>,
    #[serde(default)]
    limit: u32,
}

/// Returns a page of a project's deliveries, newest first.
pub(super) async fn list(
    State(door): Door,
    known: Known,
    Path(project): Path<String>,
    Query(choice): Query<Choice>,
) -> Answer<Page<v1::Delivery>> {
    let request = DeliveriesRequest {
        project,
        repository: given(choice.repository),
        before: given(choice.before),
        limit: choice.limit,
    };
    let found = door.services.list_deliveries(known.caller(), request).await?;
    let items = found.deliveries.into_iter().map(shown::delivery).collect();
    Ok(Json(Page { items, next: found.next }))
}

/// Looks at a delivery's refs once more.
pub(super) async fn replay(
    State(door): Door,
    known: Known,
    Path(id): Path<String>,
    Body(Empty {}): Body<Empty>,
) -> Answer<v1::Delivery> {
    let delivery = door.services.replay_delivery(known.caller(), &id).await?;
    Ok(Json(shown::delivery(delivery)))
}
