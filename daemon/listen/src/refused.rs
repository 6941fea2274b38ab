//! Reasons for which a door refuses a caller.

use thiserror::Error;

/// Refusal of a request before its use case is asked, or of a stream that had begun. Each door answers it in its protocol.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refused {
    /// The request has no proof of identity that the operator allows.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// The caller is known, and may not use this door.
    #[error("{0}")]
    Denied(String),
    /// The caller has other rights than at the beginning of the request, which can be sent again.
    #[error("the operator has changed the rights of this login")]
    RightsChanged,
}
