//! Jobs of an app that are on their way, beside which no other is to be made.

use crate::error::ServiceError;
use windlass_engine::ports::store::{Filter, Jobs, StoreError};
use windlass_model::{app::App, replay::JobState};

/// Returns whether a job of an app is unfinished.
pub(crate) async fn is_busy(jobs: &dyn Jobs, app: &App) -> Result<bool, StoreError> {
    let filter = Filter {
        projects: Some(vec![app.project.clone()]),
        app: Some(app.name.clone()),
        environment: Some(app.environment.clone()),
        states: vec![JobState::Waiting, JobState::Held, JobState::Running, JobState::RollingBack],
        limit: 1,
        ..Filter::default()
    };
    Ok(jobs.jobs(&filter).await?.oldest().is_some())
}

/// Returns the error for a contraction of an app of which a job is on its way.
pub(crate) fn busy(app: &App) -> ServiceError {
    ServiceError::Conflict {
        reason: "app-busy",
        message: format!(
            "a job of {app} is unfinished: the data is contracted when nothing else is done"
        ),
        fix: format!(
            "wait for it, or cancel it: windlass jobs --project {} --app {}",
            app.project, app.name
        ),
    }
}
