//! Removal of an app: what goes is listed first, and the person types the app's name.

use super::{
    answer::{Answer, Door, Names, app},
    body::Body,
};
use crate::{identify::Known, problem::Problem};
use axum::{
    Json,
    extract::{Query, State},
};
use serde::{Deserialize, Serialize};
use windlass_api::shown;
use windlass_proto::v1;
use windlass_service::RemoveRequest;

/// Choice of what goes.
#[derive(Deserialize)]
pub(super) struct Choice {
    /// Volume claims go too.
    #[serde(default)]
    pub(super) data: bool,
}

/// Objects that a removal finds.
#[derive(Serialize)]
pub(super) struct Found {
    pub(super) objects: Vec<v1::RemovedObject>,
}

/// Returns what a removal would find now. Changes nothing.
pub(super) async fn plan(
    State(door): Door,
    known: Known,
    names: Names,
    Query(choice): Query<Choice>,
) -> Answer<Found> {
    let app = app(names)?;
    let found = door.services.plan_removal(known.caller(), &app, choice.data, &[]).await?;
    Ok(Json(Found { objects: found.into_iter().map(shown::removed).collect() }))
}

/// Body of a removal.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Removal {
    /// Id that the page made before it sent the request: a repeat is the same job.
    pub(super) request_id: String,
    /// Volume claims go too.
    pub(super) data: bool,
    /// Name of the app, as the person typed it.
    pub(super) name: String,
}

/// Accepts a job that removes an app.
pub(super) async fn remove(
    State(door): Door,
    known: Known,
    names: Names,
    Body(body): Body<Removal>,
) -> Answer<v1::Job> {
    let app = app(names)?;
    let Removal { request_id, data, name } = body;
    if name != app.name {
        let expected = format!("is another name: type `{}` to remove it", app.name);
        return Err(Problem::field("name", &name, &expected));
    }
    let body = format!("remove {app} data {data}").into_bytes();
    let request = RemoveRequest { request_id, body, app, data, clusters: Vec::new() };
    let record = door.services.remove(known.caller(), request).await?;
    Ok(Json(shown::job(&door.services, record)))
}
