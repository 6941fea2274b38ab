//! Message of an app.

use windlass_proto::v1;

/// Returns the message for an app.
pub(crate) fn app(app: &windlass_model::app::App) -> v1::App {
    v1::App {
        project: app.project.clone(),
        name: app.name.clone(),
        environment: app.environment.clone(),
    }
}
