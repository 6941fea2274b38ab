//! A repository, and a `git://` server of it on a free port.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, copy},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
};
use windlass_engine::ports::Remotes;
use windlass_git::{CheckoutLimits, Checkouts, Egress};
use windlass_model::{error::GitError, job::Commit};

/// A repository with its server. Both end when dropped.
pub(crate) struct Server {
    runtime: Runtime,
    folder: TempDir,
    address: String,
}

impl Server {
    /// Makes an empty repository and its server. A server without version 2 of the protocol answers in version 0.
    pub(crate) fn new(has_v2: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        runtime.spawn(accept(listener, folder.path().to_owned(), has_v2));
        let server = Self { runtime, folder, address };
        std::fs::create_dir(server.repository()).unwrap();
        server.git(&["init", "--quiet", "--initial-branch=main"]);
        server
    }

    /// Returns the folder of the repository.
    pub(crate) fn repository(&self) -> PathBuf {
        self.folder.path().join("shop")
    }

    /// Runs git in the repository, and returns what it prints.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let mut command = git();
        command.arg("-C").arg(self.repository());
        command.args(["-c", "user.name=me", "-c", "user.email=me@example.com"]).args(arguments);
        let done = command.output().unwrap();
        let error = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "git {arguments:?}: {error}");
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    }

    /// Writes files, commits all that is there, and returns the commit's id.
    pub(crate) fn commit(&self, files: &[(&str, &[u8])]) -> String {
        for (path, content) in files {
            let path = self.repository().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", "one"]);
        self.git(&["rev-parse", "HEAD"])
    }

    fn checkouts(&self, limits: CheckoutLimits) -> (TempDir, Checkouts) {
        let folder = tempfile::tempdir().unwrap();
        let program = std::env::current_exe().unwrap();
        let egress = Egress { allow: vec![self.address.clone()], ca: None };
        let checkouts = Checkouts::new(folder.path(), &program, egress, limits).unwrap();
        (folder, checkouts)
    }

    fn at(&self, id: &str) -> Commit {
        Commit {
            repository: format!("git://{}/shop", self.address),
            id: id.into(),
            branch: String::new(),
            directory: ".".into(),
            credential: None,
            revision: String::new(),
        }
    }

    /// Asks for all refs, as `NAME ID` in order.
    pub(crate) fn refs(&self) -> Result<Vec<(String, String)>, GitError> {
        let (_folder, checkouts) = self.checkouts(CheckoutLimits::default());
        let refs = self.runtime.block_on(checkouts.refs(&self.at(""), None))?;
        Ok(refs.into_iter().collect())
    }

    /// Asks for the files that differ between two commits.
    pub(crate) fn changed(
        &self,
        from: &str,
        to: &str,
        most: usize,
        limits: CheckoutLimits,
    ) -> Result<Vec<String>, GitError> {
        let (_folder, checkouts) = self.checkouts(limits);
        self.runtime.block_on(checkouts.changed_paths(from, &self.at(to), None, most))
    }
}

/// Returns git without the settings of this machine.
fn git() -> Command {
    let mut command = Command::new("git");
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    command
}

async fn accept(listener: TcpListener, root: PathBuf, has_v2: bool) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let root = root.clone();
        tokio::spawn(async move { serve(stream, &root, has_v2).await });
    }
}

/// Answers one connection: a line with the path and the version, then all that `upload-pack` says.
async fn serve(stream: TcpStream, root: &Path, has_v2: bool) {
    let (mut from_client, mut to_client) = stream.into_split();
    let mut length = [0; 4];
    from_client.read_exact(&mut length).await.unwrap();
    let length = usize::from_str_radix(std::str::from_utf8(&length).unwrap(), 16).unwrap();
    let mut line = vec![0; length - 4];
    from_client.read_exact(&mut line).await.unwrap();
    let line = String::from_utf8(line).unwrap();
    let path = line.strip_prefix("git-upload-pack /").unwrap().split('\0').next().unwrap();
    let mut command = git();
    command.arg("upload-pack").arg(root.join(path));
    if has_v2 && line.contains("\0version=2\0") {
        command.env("GIT_PROTOCOL", "version=2");
    }
    let mut command = tokio::process::Command::from(command);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let (mut to_git, mut from_git) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    // Each side ends on its own: git at the end of its input, and the client at the end of the answer.
    let up = async move { copy(&mut from_client, &mut to_git).await };
    let down = async move { copy(&mut from_git, &mut to_client).await };
    let _ = tokio::join!(up, down);
    let _ = child.wait().await;
}
