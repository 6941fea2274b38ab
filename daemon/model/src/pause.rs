//! Pauses: a release takes no further step until a person resumes it.

use crate::outcome::Stop;

/// Pause of a job, as the store has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    /// The principal.
    pub by: String,
    /// Note of the principal. Empty means that there is none.
    pub note: String,
    /// Begin in milliseconds since 1970.
    pub at_ms: u64,
}

/// Everything that people said about a job that runs.
#[derive(Clone, Debug, Default)]
pub struct Interventions {
    /// Approvals that were given.
    pub approvals: Vec<crate::approval::Approval>,
    /// `None` means that the job is not paused.
    pub pause: Option<Pause>,
    /// Principal and note of whoever ended the last pause. `None` means that nobody did.
    pub resumed: Option<Resume>,
    /// Reason for which the job is to stop. `None` means that nobody asked.
    pub stop: Option<Stop>,
}

/// End of a pause, as the store has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resume {
    /// The principal.
    pub by: String,
    /// Note of the principal. Empty means that there is none.
    pub note: String,
}
