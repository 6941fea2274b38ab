//! The JSON API of the page: reads, and the few changes that a person makes.

mod answer;
mod apps;
mod body;
mod deliveries;
mod jobs;
mod log;
mod me;
mod operator;
mod outbox;
mod projects;

use crate::state::Shared;
use axum::{
    Router,
    routing::{get, post},
};
use std::sync::Arc;

/// Returns the routes below `/api`.
pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/me", get(me::me))
        .route("/projects", get(projects::list))
        .route("/projects/{project}", get(projects::one))
        .route("/projects/{project}/deliveries", get(deliveries::list))
        .route("/projects/{project}/outbox", get(outbox::list))
        .route("/projects/{project}/outbox/{id}/replay", post(outbox::replay))
        .route("/deliveries/{id}/replay", post(deliveries::replay))
        .route("/apps/{project}/{app}/{environment}", get(apps::status))
        .route("/apps/{project}/{app}/{environment}/releases", get(apps::releases))
        .route("/apps/{project}/{app}/{environment}/rollback", post(apps::rollback))
        .route("/jobs", get(jobs::list))
        .route("/jobs/{id}", get(jobs::one))
        .route("/jobs/{id}/events", get(jobs::events))
        .route("/jobs/{id}/log", get(log::raw))
        .route("/jobs/{id}/cancel", post(jobs::cancel))
        .route("/jobs/{id}/again", post(jobs::again))
        .route("/plugins", get(operator::plugins))
        .route("/clusters", get(operator::clusters))
}
