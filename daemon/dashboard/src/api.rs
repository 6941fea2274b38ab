//! The JSON API of the page: reads, and the few changes that a person makes.

mod answer;
mod approvals;
mod apps;
mod body;
mod changes;
mod deliveries;
mod hooks;
mod jobs;
mod log;
mod me;
mod operator;
mod outbox;
mod own;
mod pauses;
mod previews;
mod projects;
mod removal;
mod search;

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
        .route("/projects/{project}/hooks", get(hooks::list))
        .route("/projects/{project}/registries", get(own::registries))
        .route("/projects/{project}/registries/{host}/test", post(own::test_registry))
        .route("/projects/{project}/clusters", get(own::clusters))
        .route("/projects/{project}/clusters/{name}/test", post(own::test_cluster))
        .route("/projects/{project}/previews", get(previews::list))
        .route("/projects/{project}/outbox", get(outbox::list))
        .route("/projects/{project}/outbox/{id}/replay", post(outbox::replay))
        .route("/deliveries/{id}/replay", post(deliveries::replay))
        .route("/apps/{project}/{app}/{environment}", get(apps::status))
        .route("/apps/{project}/{app}/{environment}/releases", get(apps::releases))
        .route("/apps/{project}/{app}/{environment}/rollback", post(apps::rollback))
        .route("/apps/{project}/{app}/{environment}/removal", get(removal::plan))
        .route("/apps/{project}/{app}/{environment}/remove", post(removal::remove))
        .route("/jobs", get(jobs::list))
        .route("/jobs/{id}", get(jobs::one))
        .route("/jobs/{id}/events", get(jobs::events))
        .route("/jobs/{id}/log", get(log::raw))
        .route("/jobs/{id}/search", get(search::search))
        .route("/jobs/{id}/changes", get(changes::changes))
        .route("/jobs/{id}/approve", post(approvals::approve))
        .route("/jobs/{id}/reject", post(approvals::reject))
        .route("/jobs/{id}/pause", post(pauses::pause))
        .route("/jobs/{id}/resume", post(pauses::resume))
        .route("/jobs/{id}/abort", post(pauses::abort))
        .route("/jobs/{id}/cancel", post(jobs::cancel))
        .route("/jobs/{id}/again", post(jobs::again))
        .route("/plugins", get(operator::plugins))
        .route("/infrastructure", get(operator::infrastructure))
}
