//! Fake of the Git server, and the trees that it hands out.

use super::fault::Faults;
use async_trait::async_trait;
use std::{path::Path, sync::Mutex};
use windlass_engine::{
    ports::{Git, Pointers, Tree},
    recorder::Recorder,
};
use windlass_model::{
    error::GitError,
    job::{Commit, CommitInfo, Stage},
    revision::{Resolved, Revision},
    secret::Secret,
};

/// A tree without any file in it.
#[derive(Default)]
pub(crate) struct Files {
    pub(crate) commit: Option<CommitInfo>,
    pub(crate) pointers: Pointers,
    /// Folder of the app.
    pub(crate) directory: String,
}

impl Tree for Files {
    fn root(&self) -> &Path {
        Path::new("/nowhere")
    }

    fn directory(&self) -> &str {
        &self.directory
    }

    fn read(&self, _: &str, _: u64) -> Result<Option<String>, GitError> {
        Ok(None)
    }

    fn commit(&self) -> Option<&CommitInfo> {
        self.commit.as_ref()
    }

    fn pointers(&self) -> &Pointers {
        &self.pointers
    }
}

/// Git server with every commit, and one branch: `main`.
pub(crate) struct FakeSource {
    faults: Faults,
    /// Questions so far.
    asked: Mutex<u32>,
}

impl FakeSource {
    pub(super) fn new(faults: &Faults) -> Self {
        Self { faults: faults.clone(), asked: Mutex::default() }
    }

    /// Returns the number of questions so far.
    pub(super) fn asked(&self) -> u32 {
        *self.asked.lock().unwrap()
    }
}

#[async_trait]
impl Git for FakeSource {
    async fn checkout(
        &self,
        commit: &Commit,
        _: Option<&Secret>,
        recorder: &Recorder,
    ) -> Result<Box<dyn Tree>, GitError> {
        *self.asked.lock().unwrap() += 1;
        if self.faults.call() {
            let repository = commit.repository.clone();
            return Err(GitError::Unreachable { repository, message: "no route".into() });
        }
        recorder.log_line(Stage::Clone, "git", "receiving").await;
        let summary = "Say hello".into();
        let directory = commit.directory.trim_matches(['.', '/']).to_owned();
        let commit = CommitInfo { id: commit.id.clone(), summary, ..CommitInfo::default() };
        Ok(Box::new(Files { commit: Some(commit), directory, ..Files::default() }))
    }

    async fn resolve(
        &self,
        commit: &Commit,
        revision: &Revision,
        credential: Option<&Secret>,
    ) -> Result<Resolved, GitError> {
        *self.asked.lock().unwrap() += 1;
        let revision = revision.to_string();
        if revision == "main" {
            return Ok(Resolved { commit: "abc".into(), branch: revision });
        }
        let repository = commit.repository.clone();
        // A server that repeats what it was sent.
        let sent = credential.and_then(Secret::reveal_text).unwrap_or_default();
        let message = format!("you sent {sent}");
        Err(GitError::NoRevision { repository, revision, message })
    }
}
