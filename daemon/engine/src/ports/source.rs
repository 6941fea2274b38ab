//! Ports of repositories: commits, and their trees.

use crate::recorder::Recorder;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::Path};
use windlass_model::{
    error::GitError,
    job::{Commit, CommitInfo},
    revision::{Resolved, Revision},
    secret::Secret,
};

/// Fetches commits.
#[async_trait]
pub trait Git: Send + Sync {
    /// Checks a commit out in a folder of its own, which is deleted when the tree is dropped. `credential` is
    /// `user:token`. Dropping the future ends the fetch.
    async fn checkout(
        &self,
        commit: &Commit,
        credential: Option<&Secret>,
        recorder: &Recorder,
    ) -> Result<Box<dyn Tree>, GitError>;

    /// Finds the commit that `revision` leads to now, in the repository of `commit`, by the rules of
    /// [`windlass_model::revision::find`]. `credential` is as for a checkout, and so is the egress policy.
    async fn resolve(
        &self,
        commit: &Commit,
        revision: &Revision,
        credential: Option<&Secret>,
    ) -> Result<Resolved, GitError>;
}

/// Questions to a repository that need no tree.
#[async_trait]
pub trait Remotes: Send + Sync {
    /// Returns what the refs lead to that the server advertises now, by their full names. An annotated tag leads to its
    /// commit. `commit` names repository and folder, its id is not read. `credential` is as for a checkout.
    async fn refs(
        &self,
        commit: &Commit,
        credential: Option<&Secret>,
    ) -> Result<BTreeMap<String, String>, GitError>;

    /// Returns the paths of files that differ between the trees of `from` and of the commit, at most `most`.
    /// [`GitError::Tree`] for more. A commit that the server does not give is [`GitError::NoCommit`].
    async fn changed_paths(
        &self,
        from: &str,
        commit: &Commit,
        credential: Option<&Secret>,
        most: usize,
    ) -> Result<Vec<String>, GitError>;
}

/// A checked-out commit, opened at the app's folder. No path in it leads outside.
pub trait Tree: Send + Sync {
    /// Returns the folder's path, for adapters that walk the tree themselves. No part of the path is a symlink.
    fn root(&self) -> &Path;
    /// Returns the path of the whole repository's folder.
    fn repository(&self) -> &Path {
        self.root()
    }
    /// Returns the app's folder within the repository, without `.` and a slash at its ends. Empty means the
    /// repository's root.
    fn directory(&self) -> &str {
        ""
    }
    /// Returns a file's text. `None` means that there is no such file.
    fn read(&self, path: &str, longest: u64) -> Result<Option<String>, GitError>;
    /// Returns whether a folder has this name. A symlink is no folder.
    fn is_folder(&self, _: &str) -> bool {
        false
    }
    /// Returns the tree's commit. `None` means that it is not known.
    fn commit(&self) -> Option<&CommitInfo> {
        None
    }
    /// Returns the Git LFS pointers in the app's folder.
    fn pointers(&self) -> &Pointers {
        &NO_POINTERS
    }
    /// Returns the names of the tags that lead to the commit, as far as the server listed them.
    fn tags(&self) -> &[String] {
        &[]
    }
}

/// Git LFS pointers among files: texts that stand for files which are kept elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pointers {
    /// Paths of the first [`Pointers::NAMED`], from the repository's root.
    pub files: Vec<String>,
    /// Number of all pointers.
    pub count: usize,
}

impl Pointers {
    /// Number of pointers that are named at most.
    pub const NAMED: usize = 20;
}

static NO_POINTERS: Pointers = Pointers { files: Vec::new(), count: 0 };

/// A file that a client sends, in the place of a commit's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UploadedFile {
    /// Path from the folder's root, with `/`.
    pub path: String,
    /// Content. For a symlink it is the target.
    pub data: Vec<u8>,
    /// The file is a symlink.
    pub link: bool,
}

/// Keeps folders that clients send.
pub trait Uploads: Send + Sync {
    /// Begins an empty folder, which is deleted when the upload or its tree is dropped.
    ///
    /// # Errors
    /// This machine has no room for it.
    fn begin(&self) -> Result<Box<dyn Upload>, GitError>;
}

/// One folder that is being sent.
#[async_trait]
pub trait Upload: Send {
    /// Writes a file below the folder. A symlink that is absolute, or that leads out, is left out.
    async fn write(&mut self, file: UploadedFile) -> Result<(), GitError>;

    /// Opens the folder at the app's own, `directory`. No file can be written any more.
    ///
    /// # Errors
    /// There is no such folder, or it is empty.
    fn finish(self: Box<Self>, directory: &str) -> Result<Box<dyn Tree>, GitError>;
}
