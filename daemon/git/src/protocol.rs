//! Messages between the daemon and its child: one request, then replies, a line of JSON each.

use crate::egress::Egress;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{io::Write, time::Duration};
use windlass_engine::ports::Pointers;
use windlass_model::{
    error::GitError,
    job::CommitInfo,
    revision::{Resolved, Revision},
};

/// Time between two replies about a transfer that goes on.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(5);

/// Request with one task, on the child's standard input.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) remote: Remote,
    /// Name of the job's credential, for errors. `None` means that the job names none.
    pub(crate) credential: Option<String>,
    /// Path of an empty folder that the child works in.
    pub(crate) to: String,
    pub(crate) task: Task,
}

/// A repository to connect to.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Remote {
    /// Address as the egress policy returned it.
    pub(crate) url: String,
    pub(crate) login: Option<Login>,
}

/// User and token for one server.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) token: String,
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
        /// Policy for addresses of submodules.
        egress: Egress,
    },
}

/// A commit to fetch.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Wanted {
    pub(crate) commit: String,
    /// Branch to search if the commit cannot be fetched by its id. Empty means HEAD.
    pub(crate) branch: String,
}

/// One line of the child's standard output.
#[derive(Serialize, Deserialize)]
pub(crate) enum Reply {
    Progress(String),
    /// Address of the server that the child waits for from now on.
    Server(String),
    /// Bytes have arrived since the last reply.
    Alive,
    Resolved(Resolved),
    Done(Found),
    Failed(FetchError),
}

impl Reply {
    /// Reads a line. Servers and repositories choose texts in the line that go to logs and terminals, so
    /// control characters are replaced.
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
        Value::String(text) if text.contains(char::is_control) => {
            let shown = text.trim_end().chars();
            *text = shown.map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
        }
        Value::Array(list) => list.iter_mut().for_each(clean),
        Value::Object(map) => map.values_mut().for_each(clean),
        _ => {}
    }
}

/// Writes a reply to standard output. A daemon that reads no more has killed this child already.
pub(crate) fn send(reply: &Reply) {
    if let Ok(line) = serde_json::to_string(reply) {
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "{line}");
        let _ = out.flush();
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

/// Failure as far as a child knows it: the daemon makes a [`GitError`] of it.
#[derive(Serialize, Deserialize)]
pub(crate) enum FetchError {
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

impl FetchError {
    /// Converts the failure to the daemon's error, with repository and credential of the request.
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
