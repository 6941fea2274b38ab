//! The caller, so that the page shows only what the caller may do.

use super::answer::Answer;
use crate::identify::Known;
use axum::Json;
use serde::Serialize;
use windlass_service::Verb;

/// The caller of a request.
#[derive(Serialize)]
pub(super) struct Me {
    name: String,
    /// Projects in which the caller has rights. `*` means all.
    projects: Vec<String>,
    verbs: Vec<Verb>,
    /// Version of the daemon.
    version: &'static str,
    /// The caller came by a session, which can be closed.
    session: bool,
}

/// Returns the caller.
pub(super) async fn me(known: Known) -> Answer<Me> {
    let caller = known.caller();
    Ok(Json(Me {
        name: caller.name.clone(),
        projects: caller.projects.clone(),
        verbs: caller.verbs.clone(),
        version: env!("CARGO_PKG_VERSION"),
        session: known.session.is_some(),
    }))
}
