//! Reasons for which a job does not go on, as people read them.

use super::need::Kind;
use std::fmt;
use windlass_model::job::Gate;

/// Reason for which a job does not go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Another job of the same app runs.
    App {
        /// Id of that job.
        job: String,
    },
    /// An older job of the same app has to begin first.
    Order {
        /// Id of that job.
        job: String,
    },
    /// As many jobs have begun as may.
    Running {
        /// Number of jobs that may have begun at once.
        limit: usize,
    },
    /// All slots are taken that the job needs.
    Slot(SlotWait),
    /// Somebody has to approve it.
    Approval {
        /// Gate at which the job waits.
        gate: Gate,
        /// Id of the job itself.
        job: String,
    },
    /// The last run ended, and the next has to come.
    Paused(String),
    /// The daemon cannot run the job, and leaves it as it is.
    LeftAlone(String),
}

/// Wait for a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotWait {
    /// Work that the slot is for.
    pub kind: Kind,
    /// Clusters in which no slot is free. Empty for work that is done in no cluster.
    pub clusters: Vec<String>,
    /// Number of slots, in each cluster if there are clusters.
    pub limit: usize,
    /// Slots that are taken, in the fullest cluster if there are clusters.
    pub taken: usize,
    /// Slots among these that the job's own project has.
    pub own: usize,
    /// Jobs that get such a slot before this one, as far as is known now.
    pub before: usize,
}

impl Wait {
    /// Returns the name of the reason, for programs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::App { .. } | Self::Order { .. } => "app",
            Self::Running { .. } => "running",
            Self::Slot(slot) => slot.kind.name(),
            Self::Approval { .. } => "approval",
            Self::Paused(_) => "paused",
            Self::LeftAlone(_) => "left-alone",
        }
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::App { job } => write!(f, "job {job} of the same app, which runs"),
            Self::Order { job } => {
                write!(f, "job {job} of the same app, which was submitted before and waits too")
            }
            Self::Running { limit } => {
                write!(f, "the end of one of the {limit} jobs that may run at once")
            }
            Self::Slot(slot) => slot.fmt(f),
            Self::Approval { gate, job } => {
                write!(f, "approval of its {gate}: windlass approve {job}")
            }
            Self::Paused(why) => write!(f, "its next run: {why}"),
            Self::LeftAlone(why) => write!(f, "an operator: {why}"),
        }
    }
}

impl fmt::Display for SlotWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, clusters, limit, taken, own, before } = self;
        write!(f, "a place to {}", kind.work())?;
        if !clusters.is_empty() {
            write!(f, " in {}", clusters.join(", "))?;
        }
        write!(f, " ({taken} of {limit} taken, {own} by its project; {before} before it)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_one_sentence() {
        let slot =
            SlotWait { kind: Kind::Build, clusters: vec![], limit: 4, taken: 4, own: 3, before: 2 };
        let in_eu = SlotWait { kind: Kind::Release, clusters: vec!["eu".into()], ..slot.clone() };
        for (wait, name, text) in [
            (
                Wait::Slot(slot),
                "build",
                "a place to build (4 of 4 taken, 3 by its project; 2 before it)",
            ),
            (
                Wait::Slot(in_eu),
                "release",
                "a place to release in eu (4 of 4 taken, 3 by its project; 2 before it)",
            ),
            (Wait::App { job: "7".into() }, "app", "job 7 of the same app, which runs"),
            (
                Wait::Approval { gate: Gate::Release, job: "7".into() },
                "approval",
                "approval of its release: windlass approve 7",
            ),
        ] {
            assert_eq!((wait.name(), &*wait.to_string()), (name, text));
        }
    }
}
