//! Apps: what serves, releases, and the rollback to one of them.

use super::{
    answer::{Answer, Door, Names, Page, app, given},
    body::Body,
};
use crate::identify::Known;
use axum::{
    Json,
    extract::{Query, State},
};
use serde::Deserialize;
use windlass_api::shown;
use windlass_proto::v1;
use windlass_service::{ReleasesRequest, RollbackRequest};

/// Returns what serves an app, and its last jobs.
pub(super) async fn status(State(door): Door, known: Known, names: Names) -> Answer<v1::AppStatus> {
    let status = door.services.app_status(known.caller(), app(names)?).await?;
    Ok(Json(shown::status(&door.services, status)))
}

/// Choice of releases.
#[derive(Deserialize)]
pub(super) struct Choice {
    before: Option<String>,
    #[serde(default)]
    limit: u32,
}

/// Returns a page of an app's releases, newest first.
pub(super) async fn releases(
    State(door): Door,
    known: Known,
    names: Names,
    Query(choice): Query<Choice>,
) -> Answer<Page<v1::Release>> {
    let request =
        ReleasesRequest { app: app(names)?, before: given(choice.before), page_size: choice.limit };
    let found = door.services.list_releases(known.caller(), request).await?;
    let items = found.releases.iter().map(shown::release).collect();
    Ok(Json(Page { items, next: found.next }))
}

/// Body of a rollback.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rollback {
    /// Id that the page made before it sent the request: a repeat is the same job.
    request_id: String,
    /// Id of the release to go back to.
    to: String,
    /// Id of the newest release that the person saw.
    expected: String,
}

/// Accepts a job that goes back to an earlier release.
pub(super) async fn rollback(
    State(door): Door,
    known: Known,
    names: Names,
    Body(body): Body<Rollback>,
) -> Answer<v1::Job> {
    let app = app(names)?;
    let Rollback { request_id, to, expected } = body;
    let request = RollbackRequest {
        body: format!("rollback {app} to {to} from {expected}").into_bytes(),
        request_id,
        app,
        to: Some(to),
        clusters: Vec::new(),
        order: None,
    };
    let record = door.services.rollback_seen(known.caller(), &expected, request).await?;
    Ok(Json(shown::job(&door.services, record)))
}
