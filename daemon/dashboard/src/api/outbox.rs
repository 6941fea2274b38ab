//! Messages to forges and endpoints.

use super::{
    answer::{Answer, Door, given},
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

/// Page of messages.
#[derive(Serialize)]
pub(super) struct Messages {
    pub(super) items: Vec<v1::Message>,
    /// `before` of the next page. `None` means that this page is the last.
    pub(super) next: Option<String>,
    /// Endpoints of the project that take no messages. Empty on all pages but the first.
    pub(super) unwell: Vec<v1::UnwellEndpoint>,
}

/// Returns a page of a project's messages, newest first.
pub(super) async fn list(
    State(door): Door,
    known: Known,
    Path(project): Path<String>,
    Query(choice): Query<Choice>,
) -> Answer<Messages> {
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
    let unwell = found.unwell.into_iter().map(shown::unwell).collect();
    Ok(Json(Messages { items, next: found.next, unwell }))
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
