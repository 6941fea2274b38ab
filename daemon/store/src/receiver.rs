//! Names by which lists choose receivers.

use windlass_model::outbox::Receiver;

/// Returns the name of an endpoint that hears, of the repository of a status or a deployment, or the correlation of a
/// queue.
pub(crate) fn name(receiver: &Receiver) -> &str {
    match receiver {
        Receiver::Status { repository, .. }
        | Receiver::Deployment { repository, .. }
        | Receiver::DeploymentEnd { repository, .. } => repository,
        Receiver::Endpoint { name }
        | Receiver::Preview { name, .. }
        | Receiver::Notice { name, .. } => name,
        Receiver::Queue { correlation } => correlation,
    }
}
