//! The caller of a request, as the door has identified it.

use crate::errors;
use std::sync::Arc;
use tonic::{Request, Status};
use windlass_listen::{Identity, Refused};
use windlass_service::Caller;

/// Returns the identity that the door put into the request.
pub(crate) fn identity<T>(request: &Request<T>) -> Result<Identity, Status> {
    let identity = request.extensions().get::<Identity>();
    let nobody = || errors::refused(&Refused::Unauthenticated("nobody was identified"));
    identity.cloned().ok_or_else(nobody)
}

/// Returns the caller that the door put into the request.
pub(crate) fn caller<T>(request: &Request<T>) -> Result<Arc<Caller>, Status> {
    Ok(identity(request)?.caller)
}
