//! Repositories: commits, and their trees.

use crate::recorder::Recorder;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::path::Path;
use windlass_model::{
    error::GitError,
    job::{Commit, CommitInfo},
    revision::{Resolved, Revision},
    secret::Secret,
};

/// Fetches commits.
#[async_trait]
pub trait Git: Send + Sync {
    /// The commit's tree in a folder of its own, gone when the tree is dropped. `credential` is
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

/// A checked-out commit, opened at the app's folder. No path in it leads outside.
pub trait Tree: Send + Sync {
    /// Where it is, for adapters that walk it themselves. No part of this path is a symlink.
    fn root(&self) -> &Path;
    /// A file's text, or none where there is no such file.
    fn read(&self, path: &str, longest: u64) -> Result<Option<String>, GitError>;
    /// Whether a folder has this name; a symlink is none.
    fn is_folder(&self, _: &str) -> bool {
        false
    }
    /// The commit that it is of, where that is known.
    fn commit(&self) -> Option<&CommitInfo> {
        None
    }
    /// The Git LFS pointers in the app's folder.
    fn pointers(&self) -> &Pointers {
        &NO_POINTERS
    }
    /// The names of the tags that lead to the commit, as far as the server told them.
    fn tags(&self) -> &[String] {
        &[]
    }
}

/// Git LFS pointers among files: texts that stand for files which are kept elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pointers {
    /// By path from the repository's root. Of many, the first.
    pub files: Vec<String>,
    /// The number of all.
    pub count: usize,
}

impl Pointers {
    /// The most that are named.
    pub const NAMED: usize = 20;
}

static NO_POINTERS: Pointers = Pointers { files: Vec::new(), count: 0 };
