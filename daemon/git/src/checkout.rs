//! The Git port: a unique folder, a child that fills it, a tree to read.

use crate::{
    egress::Egress,
    local,
    protocol::{Found, Login, Remote, Reply, Request, Task, Wanted},
    tree::Workspace,
};
use async_trait::async_trait;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::Command,
    sync::Semaphore,
    time::timeout,
};
use windlass_engine::{
    ports::{Git, Tree},
    recorder::Recorder,
};
use windlass_model::{
    error::GitError,
    job::{Commit, CommitInfo, Stage},
    revision::{Resolved, Revision, is_commit_id, is_ref_name},
    secret::Secret,
};

/// Time without a byte from the server after which it counts as unreachable.
const SILENCE: Duration = Duration::from_secs(120);

/// Time limit for resolving a revision, since a client waits meanwhile.
const RESOLVING: Duration = Duration::from_secs(30);

/// Revisions that are resolved at once: each is a process that waits for a server. Other revisions wait for
/// their turn, at most [`RESOLVING`].
const RESOLVERS: usize = 16;

const ANOTHER_REPLY: &str = "the child answered another question than it was asked";

/// Git port that checks each commit out into a folder of its own.
pub struct Checkouts {
    folder: PathBuf,
    /// The daemon's own program, and the argument that makes it the child.
    program: PathBuf,
    egress: Egress,
    resolvers: Semaphore,
}

impl Checkouts {
    /// Makes the port. `folder` is this daemon's alone: workspaces that an earlier life of the daemon left in
    /// `folder` are removed.
    pub fn new(folder: &Path, program: &Path, egress: Egress) -> std::io::Result<Self> {
        fs::create_dir_all(folder)?;
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if let Err(error) = fs::remove_dir_all(&path) {
                tracing::warn!(path = %path.display(), %error, "an old workspace stays");
            }
        }
        let resolvers = Semaphore::new(RESOLVERS);
        Ok(Self { folder: folder.into(), program: program.into(), egress, resolvers })
    }

    /// Makes a folder that is deleted when dropped.
    fn workspace(&self, prefix: &str) -> Result<TempDir, GitError> {
        let made = tempfile::Builder::new().prefix(prefix).tempdir_in(&self.folder);
        made.map_err(|error| local::refused("cannot make a workspace", &error))
    }

    /// Returns the request for a task, once the egress policy allows the repository.
    async fn request(
        &self,
        commit: &Commit,
        credential: Option<&Secret>,
        to: &Path,
        task: Task,
    ) -> Result<Request, GitError> {
        let egress = self.egress.clone();
        let repository = commit.repository.clone();
        // Resolves a name: blocking.
        let checked = tokio::task::spawn_blocking(move || egress.check(&repository)).await;
        let url = checked.map_err(|error| GitError::Other { message: error.to_string() })??;
        let login = credential.and_then(Secret::reveal_text).map(str::trim).map(|text| {
            let (user, token) = text.split_once(':').unwrap_or(("x-access-token", text));
            Login { user: user.into(), token: token.into() }
        });
        Ok(Request {
            remote: Remote { url: url.into(), login },
            credential: commit.credential.clone(),
            to: to.display().to_string(),
            task,
        })
    }

    /// Runs a child to its last reply. `recorder` takes its progress; `None` drops it.
    async fn run(&self, request: &Request, recorder: Option<&Recorder>) -> Result<Reply, GitError> {
        let other = |message: String| GitError::Other { message };
        let mut child = Command::new(&self.program)
            .arg("checkout")
            .env_clear()
            // Where this system keeps the certificates that OpenSSL trusts.
            .env("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt")
            .env("SSL_CERT_DIR", "/etc/ssl/certs")
            .env("HOME", "/nonexistent")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // Dropped with the job's stage: killed.
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| local::refused("cannot start the checkout", &error))?;
        let text = serde_json::to_vec(request).map_err(|error| other(error.to_string()))?;
        if let Some(mut stdin) = child.stdin.take() {
            let _ = stdin.write_all(&text).await;
        }
        let stdout = child.stdout.take().ok_or_else(|| other("the child has no output".into()))?;
        let mut lines = BufReader::new(stdout).lines();
        // A submodule may be on another server.
        let mut server = request.remote.url.clone();
        loop {
            let line = timeout(SILENCE, lines.next_line()).await.map_err(|_| {
                let message = format!("the server sent nothing for {} s", SILENCE.as_secs());
                GitError::Unreachable { repository: server.clone(), message }
            })?;
            let Ok(Some(line)) = line else {
                let status = child.wait().await.map(|status| status.to_string());
                let status = status.unwrap_or_else(|error| error.to_string());
                return Err(other(format!("the checkout ended without an answer: {status}")));
            };
            match Reply::read(&line).map_err(|error| other(error.to_string()))? {
                last @ (Reply::Done(_) | Reply::Resolved(_)) => return Ok(last),
                Reply::Alive => {}
                Reply::Server(url) => server = url,
                Reply::Failed(error) => return Err(error.into_error(request)),
                Reply::Progress(line) => {
                    if let Some(recorder) = recorder {
                        recorder.log_line(Stage::Clone, "git", &line).await;
                    }
                }
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
        let folder = self.workspace("job-")?;
        let wanted = Wanted { commit: commit.id.clone(), branch: commit.branch.clone() };
        let directory = commit.directory.clone();
        let egress = self.egress.clone();
        let task = Task::Checkout { wanted, directory, egress };
        let request = self.request(commit, credential, folder.path(), task).await?;
        match self.run(&request, Some(recorder)).await? {
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
            let folder = self.workspace("revision-")?;
            let task = Task::Resolve(revision.clone());
            let request = self.request(commit, credential, folder.path(), task).await?;
            match self.run(&request, None).await? {
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
