//! The Git port: a unique folder, a child that fills it, a tree to read.

use crate::{
    egress::Egress,
    folder::Folder,
    frame::{Frame, Kind},
    limits::CheckoutLimits,
    local,
    network::{Network, Servers},
    protocol::{Found, Login, Reply, Request, Task, Wanted},
    session::{Broken, Session},
    smart_http::Client,
    sockets::System,
    tree::Workspace,
};
use async_trait::async_trait;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};
use tokio::{sync::Semaphore, time::timeout};
use windlass_engine::{
    ports::{Git, Tree},
    recorder::Recorder,
};
use windlass_model::{
    error::GitError,
    job::{Commit, CommitInfo},
    repository::shown,
    revision::{Resolved, Revision, is_commit_id, is_ref_name},
    secret::Secret,
};

/// Time limit for resolving a revision, since a client waits meanwhile.
const RESOLVING: Duration = Duration::from_secs(30);

/// Revisions that are resolved at once: each is a process that waits for a server. Other revisions wait for
/// their turn, at most [`RESOLVING`].
const RESOLVERS: usize = 16;

/// Bytes that a server may send while a revision is resolved: a million branches and tags. libgit2 holds them in
/// memory.
const LISTING: u64 = 128 << 20;

/// Bytes that a server may send while all its refs are listed, which the daemon keeps: 200,000 refs, most of them of
/// pull requests.
const REFS: u64 = 16 << 20;

/// Lists of refs and of changed files that are made at once: each is a process that waits for a server. Triggers ask for
/// them, and no client waits.
const LISTERS: usize = 8;

pub(crate) const ANOTHER_REPLY: &str = "the child answered another question than it was asked";

/// Git port that checks each commit out into a folder of its own.
pub struct Checkouts {
    folder: PathBuf,
    /// The daemon's own program, and the argument that makes it the child.
    program: PathBuf,
    network: Arc<Network>,
    pub(crate) limits: CheckoutLimits,
    resolvers: Semaphore,
    pub(crate) listers: Semaphore,
}

impl Checkouts {
    /// Makes the port. `folder` is this daemon's alone: workspaces that an earlier life of the daemon left in
    /// `folder` are removed.
    ///
    /// # Errors
    /// An error of the folder, or of the file of `egress.ca`.
    pub fn new(
        folder: &Path,
        program: &Path,
        egress: Egress,
        limits: CheckoutLimits,
    ) -> std::io::Result<Self> {
        fs::create_dir_all(folder)?;
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if let Err(error) = fs::remove_dir_all(&path) {
                tracing::warn!(path = %path.display(), %error, "an old workspace stays");
            }
        }
        let network = Arc::new(Network::new(egress, Box::new(System))?);
        Ok(Self {
            folder: folder.into(),
            program: program.into(),
            network,
            limits,
            resolvers: Semaphore::new(RESOLVERS),
            listers: Semaphore::new(LISTERS),
        })
    }

    /// Makes a folder that is deleted when dropped.
    pub(crate) fn workspace(&self, prefix: &str) -> Result<Folder, GitError> {
        let made = tempfile::Builder::new().prefix(prefix).tempdir_in(&self.folder);
        made.map(Folder::new).map_err(|error| local::refused("cannot make a workspace", &error))
    }

    /// Runs a child in `folder` to its last reply, once the egress policy allows the repository. `recorder` takes the
    /// child's progress; `None` drops it.
    pub(crate) async fn run(
        &self,
        commit: &Commit,
        credential: Option<&Secret>,
        folder: &mut Folder,
        task: Task,
        recorder: Option<&Recorder>,
    ) -> Result<Reply, GitError> {
        let login = credential.and_then(Secret::reveal_text).map(str::trim).map(|text| {
            let (user, token) = text.split_once(':').unwrap_or(("x-access-token", text));
            Login { user: user.into(), token: token.into() }
        });
        let mut request = Request {
            url: commit.repository.clone(),
            has_login: login.is_some(),
            to: folder.path().display().to_string(),
            task,
        };
        let credential = commit.credential.as_deref();
        let mut servers = Servers::new(self.network.clone());
        let admitted = servers.admit(&commit.repository).await;
        let url = admitted.map_err(|error| error.into_error(&request, credential))?;
        request.url = url.to_string();
        let other = |message: String| GitError::Other { message };
        // Dropped with the job's stage: killed.
        let mut command = windlass_confine::child(&self.program, "checkout");
        command
            .env("HOME", "/nonexistent")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = windlass_confine::start(command)
            .await
            .map_err(|error| local::refused("cannot start the checkout", &error))?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        folder.occupied_by(child);
        let (stdin, stdout) = pipes.ok_or_else(|| other("the child has no pipes".into()))?;
        let client = Client::new(servers, url.clone(), login);
        let most = self.limits.max_transfer;
        let (most, limit) = match &request.task {
            Task::Resolve(_) if most > LISTING => (LISTING, "the limit of a list of refs"),
            Task::Refs if most > REFS => (REFS, "the limit of a list of refs"),
            _ => (most, "the limit `checkout.max-transfer`"),
        };
        let session = Session::new(stdin, stdout, client, recorder, most, limit);
        let frame = Frame::json(Kind::Task, 0, &request);
        let frame = frame.map_err(|error| other(error.to_string()))?;
        let is_v2 = matches!(request.task, Task::Changed { .. });
        match session.run(frame, &url, is_v2).await {
            Ok(Reply::Failed(error)) => Err(error.into_error(&request, credential)),
            Ok(last) => {
                folder.vacated().await;
                Ok(last)
            }
            Err(Broken::Failed(error)) => Err(error.into_error(&request, credential)),
            Err(Broken::Ended) => {
                let status = folder.vacated().await;
                Err(other(format!("the checkout ended without an answer: {status}")))
            }
        }
    }
}

#[async_trait]
impl Git for Checkouts {
    async fn checkout(
        &self,
        commit: &Commit,
        credential: Option<&Secret>,
        recorder: &Recorder,
    ) -> Result<Box<dyn Tree>, GitError> {
        let mut folder = self.workspace("job-")?;
        let wanted = Wanted { commit: commit.id.clone(), branch: commit.branch.clone() };
        let directory = commit.directory.clone();
        let task = Task::Checkout { wanted, directory, limits: self.limits.clone() };
        let most = self.limits.max_seconds;
        let work = self.run(commit, credential, &mut folder, task, Some(recorder));
        let reply = timeout(Duration::from_secs(most), work).await.unwrap_or_else(|_| {
            let message = format!(
                "was not fetched and written within {most} s, the limit `checkout.max-seconds`"
            );
            Err(GitError::Tree { path: shown(&commit.repository), message })
        });
        match reply? {
            Reply::Done(found) => {
                let tree = Workspace::open(folder, &commit.directory)?;
                let commit = readable(found.commit);
                Ok(Box::new(tree.with(Found { commit, ..found })))
            }
            _ => Err(GitError::Other { message: ANOTHER_REPLY.into() }),
        }
    }

    async fn resolve(
        &self,
        commit: &Commit,
        revision: &Revision,
        credential: Option<&Secret>,
    ) -> Result<Resolved, GitError> {
        // Before the repository's own time begins: the repository is not to blame for a queue. The semaphore is
        // never closed.
        let turn = timeout(RESOLVING, self.resolvers.acquire()).await;
        let _turn = turn.map_err(|_| GitError::Other {
            message: format!(
                "{RESOLVERS} revisions of other requests are being resolved, and none was done within {} s: send the request again, or name the commit by its id",
                RESOLVING.as_secs()
            ),
        })?;
        let resolved = async {
            let mut folder = self.workspace("revision-")?;
            let task = Task::Resolve(revision.clone());
            match self.run(commit, credential, &mut folder, task, None).await? {
                Reply::Resolved(resolved) if is_plausible(&resolved) => Ok(resolved),
                _ => Err(GitError::Other { message: ANOTHER_REPLY.into() }),
            }
        };
        timeout(RESOLVING, resolved).await.unwrap_or_else(|_| {
            let repository = commit.repository.clone();
            let seconds = RESOLVING.as_secs();
            let message = format!("its branches and tags were not listed within {seconds} s");
            Err(GitError::Unreachable { repository, message })
        })
    }
}

/// Returns whether a commit and its branch have the form of such: the child reads what a hostile server sends.
fn is_plausible(resolved: &Resolved) -> bool {
    let branch = &resolved.branch;
    is_commit_id(&resolved.commit) && (branch.is_empty() || is_ref_name(branch))
}

/// Cuts the texts of a commit, and removes what moves a terminal's cursor: the author may write anything.
fn readable(commit: CommitInfo) -> CommitInfo {
    let text = |text: String, longest| -> String {
        text.chars().filter(|c| !c.is_control()).take(longest).collect()
    };
    CommitInfo {
        id: text(commit.id, 64),
        author: text(commit.author, 80),
        summary: text(commit.summary, 200),
        ..commit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_author_writes_is_cut_and_moves_no_cursor() {
        let commit = readable(CommitInfo {
            author: "Ada\u{1b}[2J\u{7}".into(),
            summary: "x".repeat(1000),
            ..CommitInfo::default()
        });
        assert_eq!((&*commit.author, commit.summary.len()), ("Ada[2J", 200));
    }
}
