//! Answers of a store about approvals.

use windlass_model::approval::Hold;

/// Answer to an approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Approve {
    /// The approval is stored.
    Stored,
    /// The job waits for no approval: it never did, goes on already, is to stop, or has ended.
    NotHeld,
    /// The job waits for an approval of something else.
    Other(Hold),
    /// The wait is over, and nobody approved before: the job is to stop.
    Over {
        /// End of the wait, in milliseconds since 1970.
        until_ms: u64,
    },
}

/// Answer to the end of a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lapse {
    /// Nobody approved in time: the job is to stop.
    Stopped,
    /// The job waits until this time, in milliseconds since 1970.
    Later(u64),
    /// The job waits no longer: it was approved, is to stop, has ended, or never waited.
    Over,
}
