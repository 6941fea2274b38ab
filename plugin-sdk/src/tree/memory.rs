//! A tree in memory. Folders exist by their files.

use super::{
    glob,
    source::{Entry, EntryKind, Source},
};
use crate::bindings::imports::windlass::plugin::types::{Error, ErrorKind};
use std::collections::BTreeMap;

/// Folders that no glob enters, as in the host.
const INSTALLED: [&str; 3] = ["node_modules", ".venv", ".git"];

/// An entry that is not a folder.
#[derive(Clone, Debug)]
pub(crate) enum Item {
    File(String),
    Symlink,
}

fn error(kind: ErrorKind, message: String) -> Error {
    Error { kind, message, hint: None }
}

/// Paths and their entries.
pub(super) struct Memory(pub(super) BTreeMap<String, Item>);

impl Item {
    fn entry(&self, path: &str) -> Entry {
        let (kind, size) = match self {
            Self::File(text) => (EntryKind::File, text.len() as u64),
            Self::Symlink => (EntryKind::Symlink, 0),
        };
        Entry { path: path.to_owned(), kind, size }
    }
}

impl Memory {
    /// Returns the paths below a folder, relative to it.
    fn below<'a>(&'a self, dir: &'a str) -> impl Iterator<Item = (&'a str, &'a Item)> {
        self.0.iter().filter_map(move |(path, item)| {
            if dir.is_empty() {
                return Some((path.as_str(), item));
            }
            let rest = path.strip_prefix(dir)?.strip_prefix('/')?;
            Some((rest, item))
        })
    }
}

impl Source for Memory {
    fn read_text(&self, path: &str, max: u32) -> Result<Option<String>, Error> {
        let Some(Item::File(text)) = self.0.get(path) else { return Ok(None) };
        if text.len() as u64 > u64::from(max) {
            let message = format!("{path} has {} bytes, more than {max}", text.len());
            return Err(error(ErrorKind::BudgetExceeded, message));
        }
        Ok(Some(text.clone()))
    }

    fn read_dir(&self, dir: &str, limit: u32) -> Result<Vec<Entry>, Error> {
        let dir = dir.trim_end_matches('/');
        let mut entries: BTreeMap<&str, Entry> = BTreeMap::new();
        for (rest, item) in self.below(dir) {
            let (name, entry) = match rest.split_once('/') {
                Some((name, _)) => {
                    (name, Entry { path: name.to_owned(), kind: EntryKind::Dir, size: 0 })
                }
                None => (rest, item.entry(rest)),
            };
            entries.insert(name, entry);
        }
        if entries.is_empty() && !dir.is_empty() {
            return Err(error(ErrorKind::NotFound, format!("{dir} is no folder")));
        }
        Ok(entries.into_values().take(limit as usize).collect())
    }

    fn glob(&self, patterns: &[&str], limit: u32) -> Result<Vec<String>, Error> {
        let is_installed = |path: &str| path.split('/').any(|part| INSTALLED.contains(&part));
        let files = self.0.iter().filter(|(_, item)| matches!(item, Item::File(_)));
        let mut found: Vec<&String> = files
            .map(|(path, _)| path)
            .filter(|path| !is_installed(path))
            .filter(|path| patterns.iter().any(|pattern| glob::matches(pattern, path)))
            .collect();
        found.sort_by_key(|path| (path.matches('/').count(), *path));
        Ok(found.into_iter().take(limit as usize).cloned().collect())
    }

    fn stat(&self, path: &str) -> Result<Option<Entry>, Error> {
        let path = path.trim_end_matches('/');
        if let Some(item) = self.0.get(path) {
            return Ok(Some(item.entry(path)));
        }
        let is_folder = path.is_empty() || self.below(path).next().is_some();
        Ok(is_folder.then(|| Entry { path: path.to_owned(), kind: EntryKind::Dir, size: 0 }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory() -> Memory {
        let files = ["b/c/d.txt", "a.txt", "b/e.txt", "node_modules/x/a.txt"];
        let mut items: BTreeMap<String, Item> =
            files.map(|path| (path.to_owned(), Item::File("text".into()))).into();
        items.insert("link".into(), Item::Symlink);
        Memory(items)
    }

    #[test]
    fn folders_exist_by_their_files() {
        let memory = memory();
        let names = |dir| {
            let entries = memory.read_dir(dir, 10).unwrap();
            entries.into_iter().map(|entry| (entry.path, entry.kind)).collect::<Vec<_>>()
        };
        assert_eq!(
            names("b"),
            [("c".to_owned(), EntryKind::Dir), ("e.txt".to_owned(), EntryKind::File)]
        );
        assert_eq!(names("").len(), 4);
        assert!(memory.read_dir("nowhere", 10).is_err());
        assert_eq!(memory.stat("b/c").unwrap().unwrap().kind, EntryKind::Dir);
        assert!(memory.stat("b/c/d").unwrap().is_none());
    }

    #[test]
    fn a_glob_begins_with_the_nearest_and_leaves_out_what_is_installed() {
        let found = memory().glob(&["**/*.txt"], 2).unwrap();
        assert_eq!(found, ["a.txt", "b/e.txt"]);
        assert_eq!(memory().glob(&["**/*.txt"], 9).unwrap().len(), 3);
    }

    #[test]
    fn a_symlink_is_no_file_and_a_long_file_an_error() {
        let memory = memory();
        assert_eq!(memory.stat("link").unwrap().unwrap().kind, EntryKind::Symlink);
        assert!(memory.read_text("link", 10).unwrap().is_none());
        assert!(memory.read_text("a.txt", 4).unwrap().is_some());
        assert!(memory.read_text("a.txt", 3).unwrap_err().message.contains("4 bytes, more than 3"));
    }
}
