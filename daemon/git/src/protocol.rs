//! Messages between the daemon and its child: one request, then replies, and streams that the child asks for.

use crate::limits::CheckoutLimits;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;
use windlass_engine::ports::Pointers;
use windlass_model::{
    error::GitError,
    job::CommitInfo,
    revision::{Resolved, Revision},
    text::readable,
};

/// Time between two replies about a transfer that goes on.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(5);

/// Request with one task. It holds no login: the daemon makes all connections.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Request {
    /// Address of the job's repository, as the egress policy returned it.
    pub(crate) url: String,
    /// The job has a login for the server of `url`.
    pub(crate) has_login: bool,
    /// Path of an empty folder that the child works in.
    pub(crate) to: String,
    pub(crate) task: Task,
}

/// User and token for one server.
#[derive(Clone)]
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) token: String,
}

/// A stream that the child asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ask {
    /// Address of a repository, as the egress policy returned it.
    pub(crate) url: String,
    pub(crate) service: Service,
    /// Version 2 of git's protocol. The alternative is version 0.
    pub(crate) is_v2: bool,
}

/// Service of a git server. Over `git://` both are one stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Service {
    /// The refs that the server advertises: `GET info/refs`.
    Refs,
    /// An exchange of `git-upload-pack`: a `POST` whose body ends before the answer begins.
    Pack,
}

/// Work for one child.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum Task {
    /// Finds the commit that a revision leads to.
    Resolve(Revision),
    /// Fills the folder with a commit's tree.
    Checkout {
        wanted: Wanted,
        /// Path of the app's folder within the tree. Submodules elsewhere are left out.
        directory: String,
        limits: CheckoutLimits,
    },
    /// Lists what all refs lead to.
    Refs,
    /// Lists the files that differ between two commits.
    Changed {
        /// Id of the commit before.
        from: String,
        /// Id of the commit after.
        commit: String,
        /// Number of files that may differ.
        most: usize,
        limits: CheckoutLimits,
    },
}

/// A commit to fetch.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Wanted {
    pub(crate) commit: String,
    /// Branch to search if the commit cannot be fetched by its id. Empty means HEAD.
    pub(crate) branch: String,
}

/// One word of the child's to the daemon.
#[derive(Serialize, Deserialize)]
pub(crate) enum Reply {
    Progress(String),
    /// Address of the server that the child waits for from now on.
    Server(String),
    /// Bytes have arrived since the last reply.
    Alive,
    Resolved(Resolved),
    Done(Found),
    /// Lines of a list. More follow.
    Part(Vec<String>),
    /// The last lines of a list.
    Listed(Vec<String>),
    Failed(FetchError),
}

impl Reply {
    /// Reads a line. Servers and repositories choose texts in the line that go to logs and terminals, so
    /// control characters are shown as such.
    pub(crate) fn read(line: &str) -> Result<Self, serde_json::Error> {
        let mut value = serde_json::from_str(line)?;
        clean(&mut value);
        serde_json::from_value(value)
    }
}

/// Reads a line as the daemon reads its child's, and returns that reply as the child would have written it.
pub fn reread(line: &str) -> Result<String, serde_json::Error> {
    serde_json::to_string(&Reply::read(line)?)
}

fn clean(value: &mut Value) {
    match value {
        Value::String(text) => {
            let shown = readable(text.trim_end_matches(['\r', '\n']).to_owned());
            // A line break would let a server's word pass for a line of the daemon's.
            *text = shown.split(char::is_control).collect::<Vec<_>>().join(" ");
        }
        Value::Array(list) => list.iter_mut().for_each(clean),
        Value::Object(map) => map.values_mut().for_each(clean),
        _ => {}
    }
}

/// Facts about a tree that its files do not show.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Found {
    pub(crate) commit: CommitInfo,
    /// Git LFS pointers within the app's folder.
    pub(crate) pointers: Pointers,
    /// Tags that lead to the commit.
    pub(crate) tags: Vec<String>,
}

/// Failure as far as a child or a connection knows it: the daemon makes a [`GitError`] of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum FetchError {
    Unreachable(String),
    Denied(String),
    NoRepository,
    NoCommit(String),
    /// One of several commits is missing.
    Missing {
        commit: String,
        message: String,
    },
    NoRevision(String),
    Ambiguous(String),
    /// An address of a form that is refused, or that a login may not be sent to.
    Address {
        url: String,
        message: String,
    },
    Egress {
        url: String,
        message: String,
    },
    /// A tree or a transfer beyond its limit.
    Tree {
        path: String,
        message: String,
    },
    Submodule {
        path: String,
        url: String,
        message: String,
    },
    Full(String),
    /// The daemon's machine lacks something, such as descriptors.
    Local(String),
    Other(String),
}

impl FetchError {
    /// Converts the failure to the daemon's error. `credential` is the name of the job's credential, or `None`.
    pub(crate) fn into_error(self, request: &Request, credential: Option<&str>) -> GitError {
        let repository = request.url.clone();
        let wanted = match &request.task {
            Task::Resolve(revision) => revision.to_string(),
            Task::Checkout { wanted, .. } => wanted.commit.clone(),
            Task::Changed { commit, .. } => commit.clone(),
            Task::Refs => String::new(),
        };
        match self {
            Self::Unreachable(message) => GitError::Unreachable { repository, message },
            Self::Denied(message) => {
                GitError::Denied { repository, message, credential: credential.map(Into::into) }
            }
            Self::NoRepository => GitError::NoRepository { repository },
            Self::NoCommit(message) => GitError::NoCommit { repository, commit: wanted, message },
            Self::Missing { commit, message } => GitError::NoCommit { repository, commit, message },
            Self::NoRevision(message) => {
                GitError::NoRevision { repository, revision: wanted, message }
            }
            Self::Ambiguous(message) => {
                GitError::AmbiguousRevision { repository, revision: wanted, message }
            }
            Self::Address { url, message } => GitError::Address { url, message },
            Self::Egress { url, message } => GitError::Egress { url, message },
            Self::Tree { path, message } => GitError::Tree { path, message },
            Self::Submodule { path, url, message } => GitError::Submodule { path, url, message },
            Self::Full(message) => GitError::Full { message },
            Self::Local(message) => GitError::Local { message },
            Self::Other(message) => GitError::Other { message },
        }
    }

    /// Returns the failure as a sentence, for the errors of libraries.
    pub(crate) fn sentence(&self) -> String {
        match self {
            Self::Unreachable(message)
            | Self::Denied(message)
            | Self::NoCommit(message)
            | Self::Missing { message, .. }
            | Self::NoRevision(message)
            | Self::Ambiguous(message)
            | Self::Address { message, .. }
            | Self::Egress { message, .. }
            | Self::Tree { message, .. }
            | Self::Submodule { message, .. }
            | Self::Full(message)
            | Self::Local(message)
            | Self::Other(message) => message.clone(),
            Self::NoRepository => "there is no such repository".into(),
        }
    }
}

impl From<GitError> for FetchError {
    /// Converts an error of the egress policy.
    fn from(error: GitError) -> Self {
        match error {
            GitError::Address { url, message } => Self::Address { url, message },
            GitError::Egress { url, message } => Self::Egress { url, message },
            GitError::Unreachable { message, .. } => Self::Unreachable(message),
            other => Self::Other(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_of_a_server_moves_a_cursor() {
        let error = FetchError::Unreachable("remote error: \u{1b}[2J\u{7}SUCCEEDED\n".into());
        let pointers = Pointers { files: vec!["a\u{1b}]0;x\u{7}.png".into()], count: 1 };
        let found = Found { pointers, ..Found::default() };
        for reply in [
            Reply::Failed(error),
            Reply::Done(found),
            Reply::Progress("submodule \u{9b}2J: ok".into()),
        ] {
            let line = serde_json::to_string(&reply).unwrap();
            let read: Value = serde_json::from_str(&reread(&line).unwrap()).unwrap();
            assert!(!read.to_string().contains("\\u00"), "{read}");
            assert!(!read.to_string().contains(char::is_control), "{read}");
        }
    }
}
