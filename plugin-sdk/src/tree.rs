//! The tree that a plugin reads: the host's, or one in memory.

use crate::bindings::{
    imports::windlass::plugin::types::Error, imports_next::windlass::plugin::workspace,
};
use source::Source;
use std::collections::BTreeMap;

mod glob;
mod memory;
mod source;

pub(crate) use memory::Item;
pub use source::{Entry, EntryKind};

/// Read-only snapshot of a tree. Paths are relative to its root, with `/`, without `..`.
///
/// Write `&Tree<'_>` in signatures.
pub struct Tree<'a>(Box<dyn Source + 'a>);

impl Tree<'_> {
    /// Makes a tree of paths and contents.
    #[must_use]
    pub fn memory(files: BTreeMap<String, String>) -> Tree<'static> {
        Tree::items(files.into_iter().map(|(path, text)| (path, Item::File(text))).collect())
    }

    /// Makes a tree of files and symlinks.
    pub(crate) fn items(items: BTreeMap<String, Item>) -> Tree<'static> {
        Tree(Box::new(memory::Memory(items)))
    }

    /// Reads a text file. `None` means that there is no such file.
    ///
    /// # Errors
    /// The file has more than `max` bytes, or is no UTF-8.
    pub fn read_text(&self, path: &str, max: u32) -> Result<Option<String>, Error> {
        self.0.read_text(path, max)
    }

    /// Lists a folder by name. `""` is the root.
    ///
    /// # Errors
    /// There is no such folder, or the host cannot read it.
    pub fn read_dir(&self, dir: &str, limit: u32) -> Result<Vec<Entry>, Error> {
        self.0.read_dir(dir, limit)
    }

    /// Returns the files that match one of the patterns (`*`, `**`, `?`, `{a,b}`), the nearest to the root first,
    /// then by path. Folders of installed dependencies are left out. The limit cuts the sorted list.
    ///
    /// # Errors
    /// A pattern cannot be read.
    pub fn glob(&self, patterns: &[&str], limit: u32) -> Result<Vec<String>, Error> {
        self.0.glob(patterns, limit)
    }

    /// Returns the entry at a path, a symlink as such. `None` means that there is nothing.
    ///
    /// # Errors
    /// The host cannot look.
    pub fn stat(&self, path: &str) -> Result<Option<Entry>, Error> {
        self.0.stat(path)
    }
}

impl<'a> Tree<'a> {
    /// Wraps the host's tree, as it is passed to a component.
    #[doc(hidden)]
    #[must_use]
    pub fn host(tree: &'a workspace::Tree) -> Self {
        Self(Box::new(tree))
    }
}

impl Source for &workspace::Tree {
    fn read_text(&self, path: &str, max: u32) -> Result<Option<String>, Error> {
        workspace::Tree::read_text(self, path, max)
    }

    fn read_dir(&self, dir: &str, limit: u32) -> Result<Vec<Entry>, Error> {
        let entries = workspace::Tree::read_dir(self, dir, limit)?;
        Ok(entries.into_iter().map(Entry::from).collect())
    }

    fn glob(&self, patterns: &[&str], limit: u32) -> Result<Vec<String>, Error> {
        let patterns: Vec<String> = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
        workspace::Tree::glob(self, &patterns, limit)
    }

    fn stat(&self, path: &str) -> Result<Option<Entry>, Error> {
        Ok(workspace::Tree::stat(self, path)?.map(Entry::from))
    }
}

impl From<workspace::Entry> for Entry {
    fn from(entry: workspace::Entry) -> Self {
        let kind = match entry.kind {
            workspace::Kind::File => EntryKind::File,
            workspace::Kind::Dir => EntryKind::Dir,
            workspace::Kind::Symlink => EntryKind::Symlink,
        };
        Self { path: entry.path, kind, size: entry.size }
    }
}
