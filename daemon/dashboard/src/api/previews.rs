//! Preview environments of a project.

use super::answer::{Answer, Door};
use crate::{identify::Known, state::Shared};
use axum::{
    Json,
    extract::{Path, State},
};
use serde::Serialize;
use windlass_api::shown;
use windlass_proto::v1;
use windlass_service::ListedPreview;

/// A preview with what serves there.
#[derive(Serialize)]
pub(super) struct Listed {
    pub(super) preview: v1::Preview,
    /// Page of the pull request. `None` means that there is none.
    pub(super) pull_page: Option<String>,
    pub(super) release: Option<v1::Release>,
    pub(super) endpoints: Vec<v1::Endpoint>,
    pub(super) last: Option<v1::Job>,
}

fn listed(shared: &Shared, found: ListedPreview) -> Listed {
    let ListedPreview { record, pull_page, release, endpoints, last } = found;
    Listed {
        preview: shown::preview(record),
        pull_page,
        release: release.as_ref().map(shown::serving),
        endpoints: endpoints.into_iter().map(shown::endpoint).collect(),
        last: last.map(|record| shown::job(&shared.services, record)),
    }
}

/// Returns the previews of a project, those that were pushed last first.
pub(super) async fn list(
    State(door): Door,
    known: Known,
    Path(project): Path<String>,
) -> Answer<Vec<Listed>> {
    let found = door.services.overview_of_previews(known.caller(), &project).await?;
    Ok(Json(found.into_iter().map(|one| listed(&door, one)).collect()))
}
