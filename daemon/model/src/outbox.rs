//! Messages to others about a job: commit statuses of forges, webhooks to endpoints of a project, and results for the
//! controller that put the job into a queue.
//!
//! A message is stored in the transaction of what causes it, and sent later. It names what to say; the text is made
//! when it is sent.

use serde::{Deserialize, Serialize};

use crate::{event::Event, outcome::Outcome};

/// Receiver of messages about a job. A job keeps its receivers from the moment that it is accepted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Receiver {
    /// Status of a commit at the forge of a repository.
    Status {
        /// Name of the repository in the project's file.
        repository: String,
        commit: String,
        /// `windlass/<app>/<environment>`.
        context: String,
    },
    /// GitHub's Deployment, or GitLab's, of a commit.
    Deployment { repository: String, commit: String, environment: String },
    /// GitHub's Deployment of a commit, or GitLab's environment, that ends since the job removes its app.
    DeploymentEnd { repository: String, commit: String, environment: String },
    /// Endpoint of the project.
    Endpoint { name: String },
    /// Endpoint of the project that hears what comes of a preview.
    Preview {
        /// Name of the endpoint.
        name: String,
        change: PreviewChange,
        /// Environment of the preview.
        environment: String,
        /// `None` means that a caller chose the preview's name.
        pull: Option<PullRequest>,
    },
    /// Exchange for results of the queue that the job came from.
    Queue {
        /// `correlation-id` of each message about the job.
        correlation: String,
    },
    /// Endpoint of the project that hears that another one takes no messages.
    Notice {
        /// Name of the endpoint that hears.
        name: String,
        /// Name of the endpoint that fails.
        endpoint: String,
        health: EndpointHealth,
        /// Id of the last message that the failing one took: its silence is reported once. Empty means that it took
        /// none.
        since: String,
    },
}

/// Change of a preview that endpoints hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PreviewChange {
    /// A job deployed to it.
    Ready,
    /// A job removed it.
    Removed,
}

impl PreviewChange {
    /// All changes.
    pub const ALL: [Self; 2] = [Self::Ready, Self::Removed];

    /// Returns the word: `ready`, `removed`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Removed => "removed",
        }
    }
}

/// Pull request that has a preview.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PullRequest {
    /// Name of the repository in the project's file.
    pub repository: String,
    pub number: u64,
    /// Page at the forge. `None` means that the project's file names no forge with pages.
    pub page: Option<String>,
}

/// State of an endpoint that takes no messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndpointHealth {
    /// All attempts failed for half a day. It is off after a day.
    Failing,
    /// It is off: new messages are not sent.
    Disabled,
}

impl EndpointHealth {
    /// All states.
    pub const ALL: [Self; 2] = [Self::Failing, Self::Disabled];

    /// Returns the word: `failing`, `disabled`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failing => "failing",
            Self::Disabled => "disabled",
        }
    }
}

impl Receiver {
    /// Returns the key within which messages are sent one after the other, and an older one that was not sent gives
    /// way to a newer one. `None` means that messages have no order.
    #[must_use]
    pub fn partition(&self, project: &str) -> Option<String> {
        match self {
            Self::Status { repository, commit, context } => {
                Some(format!("status/{project}/{repository}/{commit}/{context}"))
            }
            // The end is a state of the Deployment like the others: an earlier one never comes after it.
            Self::Deployment { repository, commit, environment }
            | Self::DeploymentEnd { repository, commit, environment } => {
                Some(format!("deployment/{project}/{repository}/{commit}/{environment}"))
            }
            Self::Endpoint { .. }
            | Self::Preview { .. }
            | Self::Queue { .. }
            | Self::Notice { .. } => None,
        }
    }

    /// Returns whether the receiver hears of a moment of its job. An end of a Deployment and a change of a preview come
    /// with the job's success alone: any other end changed neither.
    #[must_use]
    pub fn hears(&self, moment: Moment) -> bool {
        match self {
            Self::DeploymentEnd { .. } | Self::Preview { .. } => moment == Moment::Succeeded,
            Self::Status { .. }
            | Self::Deployment { .. }
            | Self::Endpoint { .. }
            | Self::Queue { .. }
            | Self::Notice { .. } => true,
        }
    }

    /// Returns the receiver of the end of a Deployment. `None` means that this receiver is no Deployment.
    #[must_use]
    pub fn into_end(self) -> Option<Self> {
        match self {
            Self::Deployment { repository, commit, environment } => {
                Some(Self::DeploymentEnd { repository, commit, environment })
            }
            _ => None,
        }
    }

    /// Returns the kind's word: `status`, `deployment`, `deployment-end`, `endpoint`, `preview`, `queue`, `notice`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Status { .. } => "status",
            Self::Deployment { .. } => "deployment",
            Self::DeploymentEnd { .. } => "deployment-end",
            Self::Endpoint { .. } => "endpoint",
            Self::Preview { .. } => "preview",
            Self::Queue { .. } => "queue",
            Self::Notice { .. } => "notice",
        }
    }
}

/// Moment of a job that messages are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// It was accepted.
    Queued,
    /// A daemon began it.
    Running,
    /// It waits for an approval.
    Held,
    /// Somebody approved what it waited for, and it goes on.
    Approved,
    Succeeded,
    Failed,
    /// It was cancelled, superseded, rejected, not approved in time, or ran out of time before its release.
    Stopped,
}

impl Moment {
    /// All moments, in the order in which a job comes to them.
    pub const ALL: [Self; 7] = [
        Self::Queued,
        Self::Running,
        Self::Held,
        Self::Approved,
        Self::Succeeded,
        Self::Failed,
        Self::Stopped,
    ];

    /// Returns whether nothing follows.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Stopped)
    }

    /// Returns the stored word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Held => "held",
            Self::Approved => "approved",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        }
    }

    /// Returns the moment of a stored word. `None` means that no moment has it.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|moment| moment.as_str() == word)
    }
}

/// Returns the moment of a job that an event is. `None` means that nobody hears of it. `Claimed` and `Held` may come
/// again after a restart: a store tells of `Running` once, and of `Held` once for each [`mark_of`].
#[must_use]
pub fn moment_of(event: &Event) -> Option<Moment> {
    match event {
        Event::Claimed { .. } => Some(Moment::Running),
        Event::Held { .. } => Some(Moment::Held),
        Event::Approved { .. } => Some(Moment::Approved),
        Event::Ended(Outcome::Succeeded(_) | Outcome::Removed(_) | Outcome::Contracted(_)) => {
            Some(Moment::Succeeded)
        }
        Event::Ended(Outcome::Failed { .. }) => Some(Moment::Failed),
        Event::Ended(Outcome::Stopped { .. }) => Some(Moment::Stopped),
        _ => None,
    }
}

/// Returns the name of exactly what the moment of an event is about, where a job may come to the moment several times:
/// gate and digest. Empty means that a job comes to it once.
#[must_use]
pub fn mark_of(event: &Event) -> String {
    match event {
        Event::Held { gate, digest, .. } | Event::Approved { gate, digest, .. } => {
            format!("{gate} {digest}")
        }
        _ => String::new(),
    }
}

/// State of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageState {
    /// It is sent at its time.
    Waiting,
    /// The receiver has it.
    Done,
    /// All attempts failed, or the receiver refuses it for good.
    Dead,
    /// A newer one took its place, or somebody dropped it.
    Void,
}

impl MessageState {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Done, Self::Dead, Self::Void];

    /// Returns the stored word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Done => "done",
            Self::Dead => "dead",
            Self::Void => "void",
        }
    }

    /// Returns the state of a stored word. `None` means that no state has it.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// A message as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// UUIDv7. Webhooks carry it as `webhook-id`, the same at each attempt.
    pub id: String,
    pub project: String,
    pub receiver: Receiver,
    pub moment: Moment,
    /// Job that it is about.
    pub job: String,
    /// Number of the job's event that caused it. 0 means the job's acceptance.
    pub seq: u64,
    pub state: MessageState,
    /// Time at which it was stored, in milliseconds since 1970.
    pub created_ms: u64,
    /// Attempts so far.
    pub attempts: u32,
    /// Time of the next attempt, in milliseconds since 1970.
    pub next_ms: u64,
    /// Status of the last HTTP answer. `None` means that there was none.
    pub code: Option<u16>,
    /// Error of the last attempt, masked. Empty means that there was none.
    pub error: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Gate;

    #[test]
    fn a_wait_and_its_end_are_moments_of_exactly_one_gate_and_digest() {
        let held = |gate| Event::Held { gate, digest: "a".into(), until_ms: 1 };
        let approved = Event::Approved {
            gate: Gate::Clone,
            digest: "a".into(),
            by: "ann".into(),
            note: String::new(),
        };
        for (event, moment, mark) in [
            (held(Gate::Clone), Moment::Held, "clone a"),
            (held(Gate::Release), Moment::Held, "release a"),
            (approved, Moment::Approved, "clone a"),
            (Event::Claimed { daemon: "bed".into() }, Moment::Running, ""),
        ] {
            assert_eq!((moment_of(&event), &*mark_of(&event)), (Some(moment), mark));
            assert!(!moment.is_final());
        }
    }

    #[test]
    fn ends_and_previews_are_heard_of_with_success_alone() {
        let (repository, commit) = ("web".to_owned(), "abc".to_owned());
        let deployment =
            Receiver::Deployment { repository, commit, environment: "web/production".into() };
        let end = deployment.clone().into_end().unwrap();
        assert_eq!(end.partition("shop"), deployment.partition("shop"));
        let (name, change) = ("chat".to_owned(), PreviewChange::Ready);
        let preview = Receiver::Preview { name, change, environment: "pr-7".into(), pull: None };
        assert_eq!((preview.partition("shop"), preview.clone().into_end()), (None, None));
        for moment in Moment::ALL {
            assert!(deployment.hears(moment));
            let is_success = moment == Moment::Succeeded;
            assert_eq!([end.hears(moment), preview.hears(moment)], [is_success; 2], "{moment:?}");
        }
    }

    #[test]
    fn a_moment_is_read_as_it_was_written() {
        for moment in Moment::ALL {
            assert_eq!(Moment::parse(moment.as_str()), Some(moment));
            assert_eq!(serde_json::to_value(moment).unwrap(), moment.as_str());
        }
        assert_eq!(Moment::parse("rejected"), None);
    }
}
