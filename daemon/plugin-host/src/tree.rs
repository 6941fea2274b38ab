//! The tree that a guest reads: relative paths only, symlinks never followed, everything counted.

use crate::text::sanitize;
use cap_std::fs::Dir;
use globset::{GlobBuilder, GlobMatcher};
use std::{
    collections::BTreeMap,
    io::{self, Read},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

/// Deepest folder that is walked.
pub(crate) const DEEPEST: usize = 20;
/// Most entries that one walk of a tree visits.
pub(crate) const MOST_ENTRIES: usize = 200_000;

/// The host's side of a `tree` handle.
#[allow(unreachable_pub, reason = "bindgen re-exports it")]
#[derive(Clone)]
pub struct TreeHandle(Arc<Place>);

enum Place {
    /// A job's workspace.
    Disk(Dir),
    /// Reports of a test, by path.
    Memory(BTreeMap<String, String>),
}

/// An entry of a folder.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) kind: EntryKind,
    pub(crate) size: u64,
}

/// Kind of an entry. Devices, sockets and pipes are no entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryKind {
    File,
    Dir,
    Symlink,
}

/// Reason why a tree cannot be read.
#[derive(Debug)]
pub(crate) enum TreeError {
    /// The path leads out of the tree, the pattern cannot be read, or the file is no text.
    Invalid(String),
    /// There is no such folder.
    NotFound(String),
    /// The file or folder exceeds the limit.
    TooMuch(String),
    /// The disk fails.
    Failed(String),
}

impl From<io::Error> for TreeError {
    fn from(error: io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Checks a path: `a/b`, or `""`, which is the root.
fn check(path: &str) -> Result<(), TreeError> {
    let bad = path.starts_with('/')
        || path.len() > 4096
        || path.contains(['\0', '\\'])
        || path.split('/').any(|part| part == "..");
    if bad {
        Err(TreeError::Invalid(format!("`{}` is no path within the tree", sanitize(path))))
    } else {
        Ok(())
    }
}

/// Returns whether no part of the path, nor its end, is a symlink.
fn is_plain(root: &Dir, path: &str) -> bool {
    let cuts = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
    cuts.filter_map(|at| path.get(..at))
        .filter(|part| !part.is_empty())
        .all(|part| root.symlink_metadata(part).is_ok_and(|metadata| !metadata.is_symlink()))
}

impl TreeHandle {
    /// Opens a folder.
    pub(crate) fn disk(root: &Path) -> io::Result<Self> {
        let root = Dir::open_ambient_dir(root, cap_std::ambient_authority())?;
        Ok(Self(Arc::new(Place::Disk(root))))
    }

    /// Returns a tree of these files, by path.
    pub(crate) fn memory(files: BTreeMap<String, String>) -> Self {
        Self(Arc::new(Place::Memory(files)))
    }

    /// Returns the entries of a folder by name, at most `limit`.
    pub(crate) async fn list(&self, dir: &str, limit: usize) -> Result<Vec<Entry>, TreeError> {
        check(dir)?;
        let root = match &*self.0 {
            Place::Disk(root) => root,
            Place::Memory(files) => return Ok(in_memory(files, dir, limit)),
        };
        if !is_plain(root, dir) {
            return Err(TreeError::NotFound(format!("there is no folder `{}`", sanitize(dir))));
        }
        let dir = if dir.is_empty() { "." } else { dir };
        let mut entries = Vec::new();
        for found in root.read_dir(dir)? {
            breathe(entries.len()).await;
            let found = found?;
            let Ok(name) = found.file_name().into_string() else { continue };
            let metadata = found.metadata()?;
            let kind = match metadata.file_type() {
                kind if kind.is_symlink() => EntryKind::Symlink,
                kind if kind.is_dir() => EntryKind::Dir,
                kind if kind.is_file() => EntryKind::File,
                _ => continue,
            };
            entries.push(Entry { name, kind, size: metadata.len() });
            if entries.len() > MOST_ENTRIES {
                return Err(TreeError::TooMuch(format!("more than {MOST_ENTRIES} entries")));
            }
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        entries.truncate(limit);
        Ok(entries)
    }

    /// Returns the paths of files that match, in order, at most `limit`.
    pub(crate) async fn glob(
        &self,
        matcher: &GlobMatcher,
        limit: usize,
    ) -> Result<Vec<String>, TreeError> {
        let mut found = Vec::new();
        let mut folders = vec![String::new()];
        let mut looked = 0;
        while let Some(folder) = folders.pop() {
            for entry in self.list(&folder, MOST_ENTRIES).await? {
                looked += 1;
                if looked > MOST_ENTRIES {
                    let message = format!("the tree has more than {MOST_ENTRIES} entries");
                    return Err(TreeError::TooMuch(message));
                }
                let path = match &*folder {
                    "" => entry.name,
                    folder => format!("{folder}/{}", entry.name),
                };
                match entry.kind {
                    EntryKind::Dir if path.matches('/').count() < DEEPEST => folders.push(path),
                    EntryKind::File if matcher.is_match(&path) => found.push(path),
                    _ => {}
                }
            }
        }
        found.sort();
        found.truncate(limit);
        Ok(found)
    }

    /// Returns the text of a file. `None` means that there is no such file.
    pub(crate) fn text(&self, path: &str, max: u64) -> Result<Option<String>, TreeError> {
        check(path)?;
        let too_long = |bytes: u64| {
            TreeError::TooMuch(format!("`{path}` has {bytes} bytes; {max} were asked for"))
        };
        let root = match &*self.0 {
            Place::Disk(root) => root,
            Place::Memory(files) => match files.get(path) {
                Some(text) if text.len() as u64 > max => return Err(too_long(text.len() as u64)),
                found => return Ok(found.cloned()),
            },
        };
        let metadata = match root.symlink_metadata(path) {
            Ok(metadata) if metadata.is_file() && is_plain(root, path) => metadata,
            // For a guest, only plain files exist.
            _ => return Ok(None),
        };
        if metadata.len() > max {
            return Err(too_long(metadata.len()));
        }
        let mut bytes = Vec::new();
        root.open(path)?.take(max).read_to_end(&mut bytes)?;
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(TreeError::Invalid(format!("`{path}` is not UTF-8"))),
        }
    }
}

/// Returns the entries of a folder that exists only by the paths of its files.
fn in_memory(files: &BTreeMap<String, String>, dir: &str, limit: usize) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for (path, text) in files {
        let rest = match dir {
            "" => Some(&**path),
            dir => path.strip_prefix(dir).and_then(|rest| rest.strip_prefix('/')),
        };
        let Some(rest) = rest else { continue };
        let (name, kind) = match rest.split_once('/') {
            Some((folder, _)) => (folder, EntryKind::Dir),
            None => (rest, EntryKind::File),
        };
        if entries.last().is_none_or(|last| last.name != name) {
            let size = if kind == EntryKind::File { text.len() as u64 } else { 0 };
            entries.push(Entry { name: name.into(), kind, size });
        }
    }
    entries.truncate(limit);
    entries
}

/// Entries after which other tasks run. Walks and reads stay on the runtime's own threads: a fresh checkout is
/// in memory, and to hand its walk to another thread took four times as long as the walk.
const BREATH: usize = 256;

/// Lets other tasks run, each time after `BREATH` entries.
pub(crate) async fn breathe(looked: usize) {
    if looked % BREATH == BREATH - 1 {
        tokio::task::yield_now().await;
    }
}

/// Compiles a pattern. Plugins use few patterns, and compiling one takes longer than a call: short patterns
/// are kept.
pub(crate) fn compiled(pattern: &str) -> Result<GlobMatcher, globset::Error> {
    static KEPT: Mutex<BTreeMap<String, GlobMatcher>> = Mutex::new(BTreeMap::new());
    const MOST: usize = 64;
    let kept = || KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(matcher) = kept().get(pattern) {
        return Ok(matcher.clone());
    }
    let matcher = GlobBuilder::new(pattern).literal_separator(true).build()?.compile_matcher();
    let mut kept = kept();
    if pattern.len() <= 64 {
        if kept.len() >= MOST {
            kept.clear();
        }
        kept.insert(pattern.to_owned(), matcher.clone());
    }
    Ok(matcher)
}
