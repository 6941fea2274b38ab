//! Whatever holds files, and its entries.

use crate::bindings::imports::windlass::plugin::types::Error;

/// An entry of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Path from the tree's root. In [`Tree::read_dir`](crate::Tree::read_dir) it is the name alone.
    pub path: String,
    /// File, folder or symlink.
    pub kind: EntryKind,
    /// Length in bytes. 0 for folders and symlinks.
    pub size: u64,
}

/// Kind of an entry. Symlinks are never followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum EntryKind {
    File,
    Dir,
    Symlink,
}

/// Whatever holds files.
pub(super) trait Source {
    fn read_text(&self, path: &str, max: u32) -> Result<Option<String>, Error>;
    fn read_dir(&self, dir: &str, limit: u32) -> Result<Vec<Entry>, Error>;
    fn glob(&self, patterns: &[&str], limit: u32) -> Result<Vec<String>, Error>;
    fn stat(&self, path: &str) -> Result<Option<Entry>, Error>;
}
