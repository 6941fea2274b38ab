//! Refusal of a job beside another one of the app.

use crate::error::ServiceError;
use windlass_model::app::App;

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
