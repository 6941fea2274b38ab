//! How jobs end.

use crate::{
    diagnosis::Diagnosis,
    job::{Release, Stage},
};
use serde::{Deserialize, Serialize};

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// This release serves.
    Succeeded(Box<Release>),
    /// Somebody or something asked it to stop; what ran before still serves.
    Stopped {
        /// Where it stood.
        at: Stage,
        /// Who, and why.
        why: Stop,
    },
    /// It failed; what ran before still serves, unless the diagnosis says otherwise.
    Failed(Box<Diagnosis>),
}

impl Outcome {
    /// The stage that a job ended in.
    #[must_use]
    pub fn stage(&self) -> Stage {
        match self {
            Self::Succeeded(_) => Stage::Release,
            Self::Stopped { at, .. } => *at,
            Self::Failed(diagnosis) => diagnosis.stage,
        }
    }
}

/// Why a job was asked to stop; each takes the way back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// By a person or a program.
    Cancelled {
        /// The principal.
        by: String,
    },
    /// By a newer job of the same app.
    Superseded {
        /// Its id.
        by: String,
    },
    /// The time until the plan ran out.
    TimedOut {
        /// The job's limit, in seconds.
        seconds: u64,
    },
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cancelled { by } => write!(f, "cancelled by {by}"),
            Self::Superseded { by } => write!(f, "superseded by job {by}"),
            Self::TimedOut { seconds } => write!(f, "not built within its limit of {seconds} s"),
        }
    }
}
