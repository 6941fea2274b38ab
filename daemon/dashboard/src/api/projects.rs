//! Projects: those that were applied, and those that jobs are for.

use super::answer::{Answer, Door};
use crate::{identify::Known, state::Shared};
use axum::{
    Json,
    extract::{Path, State},
};
use serde::Serialize;
use std::collections::BTreeMap;
use windlass_api::shown;
use windlass_proto::v1;
use windlass_service::{ListedApp, ServiceError};

/// A project with its apps.
#[derive(Default, Serialize)]
pub(super) struct Listed {
    name: String,
    /// The project's file. `None` means that nobody applied one.
    file: Option<v1::Project>,
    apps: Vec<AppShape>,
}

/// An app of a project.
#[derive(Serialize)]
struct AppShape {
    app: v1::App,
    /// Newest release in each cluster.
    releases: Vec<v1::Release>,
    /// Last job. `None` means that it is not known any more.
    last: Option<v1::Job>,
}

fn app_shape(shared: &Shared, listed: ListedApp) -> AppShape {
    AppShape {
        app: shown::app(&listed.app),
        releases: listed.releases.iter().map(shown::serving).collect(),
        last: listed.last.map(|record| shown::job(&shared.services, record)),
    }
}

/// Returns the projects that the caller may see, by name.
pub(super) async fn list(State(door): Door, known: Known) -> Answer<Vec<Listed>> {
    let caller = known.caller();
    let mut projects: BTreeMap<String, Listed> = BTreeMap::new();
    for record in door.services.list_projects(caller).await? {
        let name = record.spec.project.clone();
        let file = Some(shown::project(record));
        projects.insert(name.clone(), Listed { name, file, apps: Vec::new() });
    }
    for listed in door.services.list_apps(caller, None).await? {
        let name = listed.app.project.clone();
        let project = projects.entry(name.clone()).or_default();
        project.name = name;
        project.apps.push(app_shape(&door, listed));
    }
    Ok(Json(projects.into_values().collect()))
}

/// Returns one project.
pub(super) async fn one(
    State(door): Door,
    known: Known,
    Path(name): Path<String>,
) -> Answer<Listed> {
    let caller = known.caller();
    let apps = door.services.list_apps(caller, Some(&name)).await?;
    let file = match door.services.project(caller, &name, None).await {
        Ok(record) => Some(shown::project(record)),
        Err(ServiceError::NotFound { .. }) if !apps.is_empty() => None,
        Err(error) => return Err(error.into()),
    };
    let apps = apps.into_iter().map(|listed| app_shape(&door, listed)).collect();
    Ok(Json(Listed { name, file, apps }))
}
