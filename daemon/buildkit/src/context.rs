//! Files that a build may ask for, and the times that they are sent with.
//!
//! BuildKit takes a file for unchanged when size, mode and time are equal, and does not read it. A
//! fresh clone has new times everywhere, so that all would be sent again; constant times would keep
//! stale content. So times are ours: kept per context while the content stays, new when it changes.

use cap_std::fs::Dir;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

/// Mode bits of Go's `os.FileMode`, which the protocol uses.
const GO_DIR: u32 = 1 << 31;
const GO_SYMLINK: u32 = 1 << 27;

/// File, folder or symlink of a context.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) path: String,
    pub(crate) mode: u32,
    pub(crate) size: u64,
    /// Nanoseconds since 1970.
    pub(crate) time: i64,
    /// Target of a symlink. Empty means that the entry is none.
    pub(crate) link: String,
}

impl Entry {
    pub(crate) fn is_dir(&self) -> bool {
        self.mode & GO_DIR != 0
    }

    pub(crate) fn is_file(&self) -> bool {
        self.mode & (GO_DIR | GO_SYMLINK) == 0
    }
}

/// Files of a build: a tree on disk, or one file in memory.
pub(crate) enum Context {
    /// Folder with its entries, sorted as the protocol requires.
    Tree { dir: Dir, entries: Vec<Entry> },
    /// A rendered Dockerfile.
    Text { entry: Entry, text: String },
}

/// Record of the files that were sent last: content (hash or link target), mode and time, by path.
#[derive(Default, Serialize, Deserialize)]
struct Sent(BTreeMap<String, (String, u32, i64)>);

impl Context {
    /// Creates the context of a recipe's Dockerfile.
    pub(crate) fn text(text: String) -> Self {
        let hash = blake3::hash(text.as_bytes());
        // BuildKit never takes this file for unchanged: any time will do.
        let time = i64::from(u32::from_le_bytes(first_four(hash.as_bytes())));
        let size = text.len() as u64;
        let entry =
            Entry { path: "Dockerfile".into(), mode: 0o644, size, time, link: String::new() };
        Self::Text { entry, text }
    }

    /// Walks a tree. Blocks. `memory` is the file that keeps this context's times.
    pub(crate) fn tree(root: &Path, memory: PathBuf) -> io::Result<Self> {
        let dir = Dir::open_ambient_dir(root, cap_std::ambient_authority())?;
        let mut entries = Vec::new();
        walk(&dir, "", &mut entries)?;
        let past: Sent = fs::read(&memory)
            .ok()
            .and_then(|json| serde_json::from_slice(&json).ok())
            .unwrap_or_default();
        let mut sent = Sent::default();
        let mut now = now();
        for entry in &mut entries {
            let content =
                if entry.is_file() { hash(&dir, &entry.path)? } else { entry.link.clone() };
            entry.time = match past.0.get(&entry.path) {
                Some((old, mode, time)) if *old == content && *mode == entry.mode => *time,
                _ => {
                    // Strictly later than all before, so that tools that compare times rebuild.
                    now += 1;
                    now
                }
            };
            sent.0.insert(entry.path.clone(), (content, entry.mode, entry.time));
        }
        if let Some(folder) = memory.parent() {
            fs::create_dir_all(folder)?;
        }
        let part = memory.with_extension("part");
        fs::write(&part, serde_json::to_vec(&sent)?)?;
        fs::rename(part, memory)?;
        Ok(Self::Tree { dir, entries })
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        match self {
            Self::Tree { entries, .. } => entries,
            Self::Text { entry, .. } => std::slice::from_ref(entry),
        }
    }

    /// Opens a file for reading. Blocks.
    pub(crate) fn open(&self, path: &str) -> io::Result<Box<dyn Read + Send>> {
        match self {
            Self::Tree { dir, .. } => Ok(Box::new(dir.open(path)?)),
            Self::Text { text, .. } => Ok(Box::new(io::Cursor::new(text.clone().into_bytes()))),
        }
    }
}

/// Lists entries depth first, with siblings sorted by raw bytes. A folder's content follows the folder.
fn walk(dir: &Dir, prefix: &str, entries: &mut Vec<Entry>) -> io::Result<()> {
    let mut names = Vec::new();
    for entry in dir.entries()? {
        let entry = entry?;
        match entry.file_name().into_string() {
            Ok(name) => names.push((name, entry)),
            Err(name) => {
                let message = format!("{}: the name is not UTF-8", name.display());
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            }
        }
    }
    names.sort_by(|(a, _), (b, _)| a.as_bytes().cmp(b.as_bytes()));
    for (name, found) in names {
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
        let metadata = found.metadata()?;
        let kind = metadata.file_type();
        let entry = |mode, size, link| Entry { path: path.clone(), mode, size, time: 0, link };
        if kind.is_symlink() {
            let target = dir.read_link_contents(&name)?;
            let target = target.to_string_lossy().into_owned();
            entries.push(entry(GO_SYMLINK | 0o777, target.len() as u64, target));
        } else if kind.is_dir() {
            entries.push(entry(GO_DIR | 0o755, 0, String::new()));
            walk(&found.open_dir()?, &path, entries)?;
        } else if kind.is_file() {
            // Only what git knows: executable or not. Otherwise a clone's umask would decide cache keys.
            let executable =
                cap_std::fs::PermissionsExt::mode(&metadata.permissions()) & 0o100 != 0;
            let mode = if executable { 0o755 } else { 0o644 };
            entries.push(entry(mode, metadata.len(), String::new()));
        }
    }
    Ok(())
}

fn hash(dir: &Dir, path: &str) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    io::copy(&mut dir.open(path)?, &mut hasher)?;
    Ok(hasher.finalize().to_hex().to_string())
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

fn first_four(hash: &[u8; 32]) -> [u8; 4] {
    let [a, b, c, d, ..] = *hash;
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_stay_with_content_and_grow_with_change() {
        let tree = tempfile::tempdir().unwrap();
        let state = tempfile::tempdir().unwrap();
        let memory = state.path().join("m.json");
        let write = |name: &str, text: &str| fs::write(tree.path().join(name), text).unwrap();
        let times = || match Context::tree(tree.path(), memory.clone()).unwrap() {
            Context::Tree { entries, .. } => {
                entries.into_iter().map(|e| (e.path, e.time)).collect::<BTreeMap<_, _>>()
            }
            Context::Text { .. } => unreachable!(),
        };
        fs::create_dir(tree.path().join("a")).unwrap();
        write("a/x", "1");
        write("a-b", "1");
        let first = times();
        assert_eq!(times(), first);
        write("a/x", "2");
        let second = times();
        assert!(second["a/x"] > first["a/x"] && second["a-b"] == first["a-b"]);
        write("a/x", "1");
        assert!(times()["a/x"] > second["a/x"], "a revert is a change");
    }

    #[test]
    fn a_folders_content_follows_it() {
        let tree = tempfile::tempdir().unwrap();
        let state = tempfile::tempdir().unwrap();
        fs::create_dir(tree.path().join("a")).unwrap();
        fs::write(tree.path().join("a/x"), "").unwrap();
        fs::write(tree.path().join("a-b"), "").unwrap();
        let context = Context::tree(tree.path(), state.path().join("m")).unwrap();
        let paths: Vec<_> = context.entries().iter().map(|entry| &*entry.path).collect();
        // Children right after their folder, though `-` sorts below `/`.
        assert_eq!(paths, ["a", "a/x", "a-b"]);
    }
}
