//! Messages between the daemon and its child: one request, then answers, a line of JSON each.

use crate::egress::Egress;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use windlass_core::{
    job::CommitInfo,
    ports::{GitError, Pointers},
    revision::{Resolved, Revision},
};

/// How often a transfer that goes on says so.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(5);

/// One task, on the child's standard input.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) remote: Remote,
    /// The credential's name, for errors.
    pub(crate) credential: Option<String>,
    /// An empty folder.
    pub(crate) to: String,
    pub(crate) task: Task,
}

/// A repository to connect to.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Remote {
    /// As the egress policy returned it.
    pub(crate) url: String,
    pub(crate) login: Option<Login>,
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) token: String,
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum Task {
    /// Find the commit that a revision leads to.
    Resolve(Revision),
    /// Fill the folder with a commit's tree.
    Checkout {
        wanted: Wanted,
        /// The app's folder within it: submodules elsewhere are left out.
        directory: String,
        /// For submodules.
        egress: Egress,
    },
}

/// A commit to fetch.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Wanted {
    pub(crate) commit: String,
    /// Where to look for it. Empty means HEAD.
    pub(crate) branch: String,
}

/// One line of the child's standard output.
#[derive(Serialize, Deserialize)]
pub(crate) enum Answer {
    Progress(String),
    /// Something has come since the last answer.
    Alive,
    Resolved(Resolved),
    Done(Found),
    Failed(Failed),
}

/// Facts about a tree that its files do not tell.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Found {
    pub(crate) commit: CommitInfo,
    /// Within the app's folder.
    pub(crate) pointers: Pointers,
    /// Tags that lead to the commit.
    pub(crate) tags: Vec<String>,
}

/// [`GitError`], as far as a child can tell.
#[derive(Serialize, Deserialize)]
pub(crate) enum Failed {
    Unreachable(String),
    Denied(String),
    NoRepository,
    NoCommit(String),
    NoRevision(String),
    Ambiguous(String),
    Submodule { path: String, url: String, message: String },
    Full(String),
    Other(String),
}

impl Failed {
    pub(crate) fn into_error(self, request: &Request) -> GitError {
        let repository = request.remote.url.clone();
        let wanted = match &request.task {
            Task::Resolve(revision) => revision.to_string(),
            Task::Checkout { wanted, .. } => wanted.commit.clone(),
        };
        match self {
            Self::Unreachable(message) => GitError::Unreachable { repository, message },
            Self::Denied(message) => {
                GitError::Denied { repository, message, credential: request.credential.clone() }
            }
            Self::NoRepository => GitError::NoRepository { repository },
            Self::NoCommit(message) => GitError::NoCommit { repository, commit: wanted, message },
            Self::NoRevision(message) => {
                GitError::NoRevision { repository, revision: wanted, message }
            }
            Self::Ambiguous(message) => {
                GitError::AmbiguousRevision { repository, revision: wanted, message }
            }
            Self::Submodule { path, url, message } => GitError::Submodule { path, url, message },
            Self::Full(message) => GitError::Full { message },
            Self::Other(message) => GitError::Other { message },
        }
    }
}
