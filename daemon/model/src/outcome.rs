//! The outcome of a job.

use crate::{
    app::App,
    clock::length,
    cluster,
    diagnosis::Diagnosis,
    job::{Release, Stage},
};
use serde::{Deserialize, Serialize};

/// The end of a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The release serves.
    Succeeded(Box<Release>),
    /// The app was removed: nothing serves.
    Removed(Removed),
    /// The data of the app holds no more what only releases before the one that serves work with.
    Contracted(Contracted),
    /// The job was stopped. A release that it had begun was rolled back, unless another daemon works on the app.
    Stopped {
        /// Stage in which the job was stopped.
        at: Stage,
        why: Stop,
    },
    /// The job failed. The previous release still serves, unless the diagnosis names another state.
    Failed(Box<Diagnosis>),
}

/// An app that was removed. Its releases up to the job do not serve any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    /// Id of the job.
    pub job: String,
    pub app: App,
    /// Clusters that the app was removed from.
    pub clusters: Vec<String>,
}

/// An app whose data holds no more what only earlier releases work with. No rollback leads to these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contracted {
    /// Id of the release that serves.
    pub release: String,
    pub app: App,
    /// Clusters whose data it is.
    pub clusters: Vec<String>,
}

impl std::fmt::Display for Contracted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let place = match &*self.clusters {
            [only] => cluster::place(only),
            several => format!(" in {}", several.join(", ")),
        };
        write!(
            f,
            "no rollback leads to before release {} of {}{place} any more",
            self.release, self.app
        )
    }
}

impl std::fmt::Display for Removed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} was removed", self.app)?;
        match &*self.clusters {
            [only] => f.write_str(&cluster::place(only)),
            several => write!(f, " in {}", several.join(", ")),
        }
    }
}

impl Outcome {
    /// Returns the stage that a job ended in.
    #[must_use]
    pub fn stage(&self) -> Stage {
        match self {
            Self::Succeeded(_) | Self::Removed(_) | Self::Contracted(_) => Stage::Release,
            Self::Stopped { at, .. } => *at,
            Self::Failed(diagnosis) => diagnosis.stage,
        }
    }
}

/// The reason why a job was stopped. Each leads to the same rollback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// A caller cancelled the job.
    Cancelled {
        /// The principal.
        by: String,
    },
    /// A newer job of the same app took the place of a waiting one.
    Superseded {
        /// Id of the newer job.
        by: String,
    },
    /// The job had no plan at its time limit.
    TimedOut {
        /// The time limit in seconds.
        seconds: u64,
    },
    /// A caller rejected what the job waited for an approval of.
    Rejected {
        /// The principal.
        by: String,
        /// Note of the principal. Empty means that there is none.
        note: String,
    },
    /// A caller ended a release that was on its way.
    Aborted {
        /// The principal.
        by: String,
        /// Note of the principal. Empty means that there is none.
        note: String,
    },
    /// Another release serves than the one that the job is for.
    Outdated {
        /// Id of the release that the job is for.
        release: String,
    },
    /// Nobody approved in time.
    NotApproved {
        /// Time for which the job waited, in seconds.
        seconds: u64,
    },
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cancelled { by } => write!(f, "cancelled by {by}"),
            Self::Superseded { by } => write!(f, "superseded by job {by}"),
            Self::TimedOut { seconds } => write!(f, "not built within its limit of {seconds} s"),
            Self::Rejected { by, note } if note.is_empty() => write!(f, "rejected by {by}"),
            Self::Rejected { by, note } => write!(f, "rejected by {by}: {note}"),
            Self::Aborted { by, note } if note.is_empty() => write!(f, "aborted by {by}"),
            Self::Aborted { by, note } => write!(f, "aborted by {by}: {note}"),
            Self::Outdated { release } => write!(f, "release {release} does not serve any more"),
            Self::NotApproved { seconds } => write!(f, "not approved within {}", length(*seconds)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_says_by_whom_and_why() {
        let (by, note) = (|| "ann".to_owned(), || "500s at checkout".to_owned());
        for (stop, text) in [
            (Stop::Aborted { by: by(), note: String::new() }, "aborted by ann"),
            (Stop::Aborted { by: by(), note: note() }, "aborted by ann: 500s at checkout"),
            (Stop::Rejected { by: by(), note: note() }, "rejected by ann: 500s at checkout"),
            (Stop::NotApproved { seconds: 604_800 }, "not approved within 7 days"),
            (Stop::NotApproved { seconds: 90 }, "not approved within 1 min 30 s"),
            (Stop::Outdated { release: "7".into() }, "release 7 does not serve any more"),
        ] {
            assert_eq!(stop.to_string(), text);
            let json = serde_json::to_string(&stop).unwrap();
            assert_eq!(serde_json::from_str::<Stop>(&json).unwrap(), stop);
        }
    }
}
