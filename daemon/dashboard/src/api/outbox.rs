//! Messages to forges and endpoints.

use super::{
    answer::{Answer, Door, Page, given},
    body::{Body, Empty},
};
use crate::identify::Known;
use axum::{
    Json,
    extract::{Path, Query, State},
};
use serde::{Deserialize, Serialize};
use windlass_api::shown;
use windlass_proto::v1;
use windlass_service::{MessagesRequest, ReplayMessages};

/// Choice of messages.
#[derive(Deserialize)]
pub(super) struct Choice {
    /// Words of states with commas between them.
    state: Option<String>,
    job: Option<String>,
    receiver: Option<String>,
    before: Option<String>,
    #[serde(default)]
    limit: u32,
}

/// Returns a page of a project's messages, newest first.
pub(super) async fn list(
    State(door): Door,
    known: Known,
    Path(project): Path<String>,
    Query(choice): Query<Choice>,
) -> Answer<Page<v1::Message>> {
    let states = choice.state.as_deref().unwrap_or_default().split(',');
    let request = MessagesRequest {
        project,
        states: states.filter(|word| !word.is_empty()).map(Into::into).collect(),
        job: given(choice.job),
        receiver: given(choice.receiver),
        before: given(choice.before),
        limit: choice.limit,
    };
    let found = door.services.list_messages(known.caller(), request).await?;
    let items = found.messages.into_iter().map(shown::message).collect();
    Ok(Json(Page { items, next: found.next }))
}

/// Number of messages that are sent once more.
#[derive(Serialize)]
pub(super) struct Replayed {
    count: u32,
}

/// Sends a message once more.
pub(super) async fn replay(
    State(door): Door,
    known: Known,
    Path((project, id)): Path<(String, String)>,
    Body(Empty {}): Body<Empty>,
) -> Answer<Replayed> {
    let request = ReplayMessages { project, id: Some(id), receiver: None, since_ms: None };
    let count = door.services.replay_messages(known.caller(), request).await?;
    Ok(Json(Replayed { count }))
}
