//! Failures of a store.

use thiserror::Error;

/// Failure of a store. Unless a variant says otherwise, nothing was changed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum StoreError {
    /// The store's disk is full.
    #[error("the store's disk is full: {0}")]
    Full(String),
    /// Another process holds the lock on the store's file, for longer than a write waits.
    #[error("another process holds the lock on the store's file: {0}")]
    Busy(String),
    /// Another process holds the store.
    #[error("another daemon holds the store at {0}")]
    Held(String),
    /// A newer daemon wrote the store. No row of it is read or written.
    #[error(
        "the store at {at} was last written by windlassd {by} in format {found}, and this windlassd \
         {own} reads formats up to {known}: start a windlassd that is at least as new as {by}, or \
         restore the backup of before the upgrade"
    )]
    Newer {
        /// Folder of the store.
        at: String,
        /// Version of the daemon that wrote the store last.
        by: String,
        /// Format of the store.
        found: i64,
        /// Version of this daemon.
        own: String,
        /// Newest format that this daemon reads.
        known: i64,
    },
    /// The same request id came with another body.
    #[error("request_id `{0}` was used for another request")]
    RequestReused(String),
    /// A stored value is none that any version writes.
    #[error("{what} in the store cannot be read: {why}")]
    Unreadable {
        /// Row of the value.
        what: String,
        /// Fault of the value.
        why: String,
    },
    /// A newer version of the daemon wrote the value.
    #[error(
        "{what} in the store has version {version} of its format, and this daemon reads versions up \
         to {known}: start a daemon that is at least as new as the one that wrote it"
    )]
    TooNew {
        /// Row of the value.
        what: String,
        version: i64,
        /// Newest version that this daemon reads.
        known: u32,
    },
    /// A later claim of the job fences the one that was shown.
    #[error("job {job} was claimed again, by {by}")]
    Fenced {
        job: String,
        /// Daemon that has the job now.
        by: String,
    },
    /// The job takes no event.
    #[error("job {0} has ended or is unknown")]
    Ended(String),
    /// Any other failure. A write may have been stored, where its answer was lost.
    #[error("the store failed: {0}")]
    Other(String),
}
