//! Names by which lists choose receivers.

use windlass_model::outbox::Receiver;

/// Returns the name of an endpoint, or of the repository of a status or a deployment.
pub(crate) fn name(receiver: &Receiver) -> &str {
    match receiver {
        Receiver::Status { repository, .. } | Receiver::Deployment { repository, .. } => repository,
        Receiver::Endpoint { name } => name,
    }
}
