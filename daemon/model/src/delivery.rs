//! Deliveries: what a forge reported by a webhook, and what came of it.
//!
//! A body decides nothing but where to look: the configured repository is asked which commit a ref leads to.

use crate::app::App;
use serde::{Deserialize, Serialize};

/// Number of refs of one delivery that are looked at. The rest is left to the next poll.
pub const MOST_REFS: usize = 100;

/// A ref that moved, as a forge reported it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefMove {
    /// Full name: `refs/heads/main`, `refs/tags/v1`.
    pub name: String,
    /// Commit before. `None` means that the ref is new, or that the forge did not say.
    pub before: Option<String>,
    /// Object after: a commit, or the object of an annotated tag. `None` means that the ref was deleted.
    pub after: Option<String>,
    /// First line of the newest commit's message. Empty means that the forge did not say.
    #[serde(default)]
    pub summary: String,
    /// The newest commit's message ends with the trailer `skip-checks: true`.
    #[serde(default)]
    pub skips_checks: bool,
}

impl RefMove {
    /// Returns the branch that the ref is. `None` means that it is none.
    #[must_use]
    pub fn branch(&self) -> Option<&str> {
        self.name.strip_prefix("refs/heads/")
    }

    /// Returns the tag that the ref is. `None` means that it is none.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.name.strip_prefix("refs/tags/")
    }
}

/// Kind of a change of a pull request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PullAction {
    /// It was opened for the first time. That may be reported after its end.
    Opened,
    /// It was closed, and is open again.
    Reopened,
    /// It has new commits.
    Updated,
    /// It was merged or declined.
    Closed,
}

/// A change of a pull request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullMove {
    pub number: u64,
    pub action: PullAction,
    /// Commit at its head. Bitbucket Cloud gives the first 12 digits alone.
    pub head: String,
    /// Branch that it is to be merged into, without `refs/heads/`.
    pub into: String,
    pub draft: bool,
    /// The head is in another repository, or in one that is gone.
    pub fork: bool,
    pub title: String,
}

/// Content of a verified webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// The forge tries the hook out.
    Ping,
    /// Refs moved: at least one, at most [`MOST_REFS`].
    Refs(Vec<RefMove>),
    Pull(PullMove),
    /// An event that deploys nothing, with the reason for people.
    Ignored(String),
}

/// A webhook as it was read from its verified bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Name of the event as the forge gives it: `push`, `Merge Request Hook`.
    pub event: String,
    /// Id of the delivery, by which a repeat is known. Empty means that the forge gives none.
    pub forge_id: String,
    /// Id of the repository, which outlives a rename. Empty means that the event names none.
    pub repository_id: String,
    /// Full name of the repository, for people.
    pub repository_name: String,
    /// Name of who caused the event, for people. Empty means that the event names nobody.
    pub sender: String,
    pub change: Change,
}

/// A stored delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// UUIDv7.
    pub id: String,
    /// Id of the hook. Empty means that a poll found the change.
    pub hook: String,
    pub project: String,
    /// Name of the repository in the project's file.
    pub repository: String,
    pub report: Report,
    /// SHA-256 of the body, hex. Empty where there was none.
    pub body_sha256: String,
    /// Time of arrival, in milliseconds since 1970.
    pub at_ms: u64,
    /// Verdicts. Empty means that the delivery has not been decided.
    pub verdicts: Vec<Verdict>,
}

/// Decision on one ref, or on the whole delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Full name of the ref, or `pull/N`. Empty means the delivery as a whole.
    pub subject: String,
    /// Trigger that was asked. Empty means all.
    #[serde(default)]
    pub trigger: String,
    pub outcome: VerdictOutcome,
    /// A sentence for people.
    pub sentence: String,
}

/// Kind of a verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictOutcome {
    /// A job was made.
    Job { id: String, app: App, commit: String },
    /// The commit is the one that the trigger deployed last.
    Already { job: String },
    /// Nothing is to be deployed: no trigger matches, a path filter, a mark, a deletion, an event of no interest.
    Nothing,
    /// Something kept it from being deployed that somebody has to mend.
    Failed { code: String, fix: String },
}

impl VerdictOutcome {
    /// Returns the word that lists show.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Job { .. } => "job",
            Self::Already { .. } => "already",
            Self::Nothing => "nothing",
            Self::Failed { .. } => "failed",
        }
    }
}
