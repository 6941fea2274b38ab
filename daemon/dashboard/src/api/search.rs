//! Search in the log of a job.

use super::answer::{Answer, Door};
use crate::identify::Known;
use axum::{
    Json,
    extract::{Path, Query, State},
};
use serde::{Deserialize, Serialize};
use windlass_service::{LogHit, SearchRequest};

/// Text that is searched for, and the place where the search goes on.
#[derive(Deserialize)]
pub(super) struct Wanted {
    pub(super) text: String,
    /// Number of an event: only later ones are looked at.
    #[serde(default)]
    pub(super) after: u64,
}

/// Part of an answer.
#[derive(Serialize)]
pub(super) struct Found {
    pub(super) hits: Vec<Hit>,
    /// Number of the last event that was looked at.
    pub(super) looked: u64,
    /// `after` of the next part. `None` means that this is the end of the log by now.
    pub(super) next: Option<u64>,
}

/// A line that holds the text.
#[derive(Serialize)]
pub(super) struct Hit {
    /// Number of the event, as in the page's own addresses: `#L12`.
    pub(super) seq: u64,
    /// Name of the stage. Empty means that the line belongs to none.
    pub(super) stage: String,
    /// Part of the line around the text.
    pub(super) text: String,
}

/// Returns lines that hold a text. A request that its page gives up ends the search.
pub(super) async fn search(
    State(door): Door,
    known: Known,
    Path(id): Path<String>,
    Query(Wanted { text, after }): Query<Wanted>,
) -> Answer<Found> {
    let request = SearchRequest { id, text, after };
    let page = door.services.search_log(known.caller(), request).await?;
    let hit = |LogHit { seq, stage, text }| Hit {
        seq,
        stage: stage.map(|stage| stage.to_string()).unwrap_or_default(),
        text,
    };
    let hits = page.hits.into_iter().map(hit).collect();
    Ok(Json(Found { hits, looked: page.looked, next: page.next }))
}
