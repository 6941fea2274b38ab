//! What can go wrong with the store.

use thiserror::Error;

/// Why the store did not do it.
#[derive(Clone, Debug, Error)]
pub enum StoreError {
    /// No room on its disk: nothing was changed.
    #[error("the store's disk is full: {0}")]
    Full(String),
    /// Another process holds it.
    #[error("another daemon holds the store at {0}")]
    Held(String),
    /// The same request id came with another body.
    #[error("request_id `{0}` was used for another request")]
    RequestReused(String),
    /// What is stored is not what this version writes.
    #[error("{what} in the store cannot be read: {why}")]
    Unreadable {
        /// Which row.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// Anything else.
    #[error("the store failed: {0}")]
    Other(String),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let text = error.to_string();
        // SQLITE_FULL is 13; a full disk can also show as an IO error.
        let code = error.as_database_error().and_then(|error| error.code().map(String::from));
        let is_full = code.as_deref() == Some("13") || text.contains("No space left");
        if is_full { Self::Full(text) } else { Self::Other(text) }
    }
}

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull => Self::Full(error.to_string()),
            _ => Self::Other(error.to_string()),
        }
    }
}

impl From<StoreError> for windlass_engine::records::StoreError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full(why) => Self::Full(why),
            StoreError::Held(place) => Self::Held(place),
            StoreError::RequestReused(id) => Self::RequestReused(id),
            StoreError::Unreadable { what, why } => Self::Unreadable { what, why },
            StoreError::Other(why) => Self::Other(why),
        }
    }
}
