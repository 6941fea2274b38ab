//! Files that a build may ask for, and the times that they are sent with.
//!
//! BuildKit takes a file for unchanged when size, mode and time are equal, and does not read it. A
//! fresh clone has new times everywhere, so that all would be sent again; constant times would keep
//! stale content. So times are ours: kept per context while the content stays, new when it changes.

use crate::sent::Sent;
use cap_std::fs::Dir;
use std::{
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

/// Text of a `.dockerignore` that is read.
const LONGEST_IGNORE: u64 = 64 << 10;

/// Folders that builds write. A `.dockerignore` that lets in nothing else stands beside a Dockerfile that copies what
/// was built outside of it, as Quarkus writes both.
const BUILT: [&str; 6] = ["target", "build", "dist", "out", "bin", "publish"];

/// Files of a build: a tree on disk, or files in memory.
pub(crate) enum Context {
    /// Folder with its entries, sorted as the protocol requires.
    Tree { dir: Dir, entries: Vec<Entry> },
    /// A rendered Dockerfile, and the `Dockerfile.dockerignore` where it needs one.
    Text { entries: Vec<Entry>, texts: Vec<String> },
}

impl Context {
    /// Creates the context of a recipe's Dockerfile. `tree` is the one that it builds: where its `.dockerignore` is
    /// for built files only, an empty one takes its place.
    pub(crate) fn text(text: String, tree: &Self) -> Self {
        let mut texts = vec![text];
        if tree.entries().iter().any(|entry| entry.path == ".dockerignore" && entry.is_file()) {
            let mut ignore = String::new();
            let read = tree.open(".dockerignore");
            let read = read.and_then(|file| file.take(LONGEST_IGNORE).read_to_string(&mut ignore));
            if read.is_ok() && is_for_built_files(&ignore) {
                texts.push("# .dockerignore is for another Dockerfile\n".to_owned());
            }
        }
        let entry = |(path, text): (&str, &String)| {
            let hash = blake3::hash(text.as_bytes());
            // BuildKit never takes these files for unchanged: any time will do.
            let time = i64::from(u32::from_le_bytes(first_four(hash.as_bytes())));
            let size = text.len() as u64;
            Entry { path: path.into(), mode: 0o644, size, time, link: String::new() }
        };
        let names = ["Dockerfile", "Dockerfile.dockerignore"];
        let entries = names.into_iter().zip(&texts).map(entry).collect();
        Self::Text { entries, texts }
    }

    /// Walks a tree. Blocks. `memory` is the file that keeps this context's times.
    pub(crate) fn tree(root: &Path, memory: PathBuf) -> io::Result<Self> {
        let dir = Dir::open_ambient_dir(root, cap_std::ambient_authority())?;
        let mut entries = walk(&dir, &Limits::default())?;
        let past = Sent::read(&memory);
        let mut sent = Sent::default();
        let mut now = now();
        for entry in &mut entries {
            let content =
                if entry.is_file() { hash(&dir, &entry.path)? } else { entry.link.clone() };
            entry.time = past.time(&entry.path, &content, entry.mode).unwrap_or_else(|| {
                // Strictly later than all before, so that tools that compare times rebuild.
                now += 1;
                now
            });
            sent.insert(&entry.path, content, entry.mode, entry.time);
        }
        sent.write(&memory)?;
        Ok(Self::Tree { dir, entries })
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        match self {
            Self::Tree { entries, .. } | Self::Text { entries, .. } => entries,
        }
    }

    /// Opens a file for reading. Blocks.
    pub(crate) fn open(&self, path: &str) -> io::Result<Box<dyn Read + Send>> {
        match self {
            Self::Tree { dir, .. } => Ok(Box::new(dir.open(path)?)),
            Self::Text { entries, texts } => {
                let mut both = entries.iter().zip(texts);
                let found = both.find(|(entry, _)| entry.path == path);
                let (_, text) = found.ok_or(io::ErrorKind::NotFound)?;
                Ok(Box::new(io::Cursor::new(text.clone().into_bytes())))
            }
        }
    }
}

/// Returns whether a `.dockerignore` leaves out all but what a build wrote.
fn is_for_built_files(text: &str) -> bool {
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut kept = lines().filter_map(|line| line.strip_prefix('!')).map(|line| {
        let path = line.trim().trim_start_matches(['/', '.']);
        path.split('/').next().unwrap_or_default()
    });
    lines().any(|line| ["*", "**", "/*", "**/*"].contains(&line))
        && kept.all(|folder| BUILT.contains(&folder))
}

/// Most of a tree that is sent.
struct Limits {
    entries: usize,
    bytes: u64,
    /// Folders within each other.
    depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { entries: 1_000_000, bytes: 64 << 30, depth: 256 }
    }
}

/// Lists entries depth first, with siblings sorted by raw bytes. A folder's content follows the folder.
///
/// Folders are opened by their paths, one after the other, so that a deep tree takes no more descriptors than a
/// shallow one.
fn walk(dir: &Dir, limits: &Limits) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    let mut bytes: u64 = 0;
    // The next one last.
    let mut pending = list(dir, "")?;
    while let Some(entry) = pending.pop() {
        bytes = bytes.saturating_add(entry.size);
        let depth = entry.path.matches('/').count();
        let reached = if bytes > limits.bytes {
            format!("all files up to here have {bytes} bytes, expected at most {}", limits.bytes)
        } else if entries.len() == limits.entries {
            format!("the tree has more than {} files and folders", limits.entries)
        } else if entry.is_dir() && depth >= limits.depth {
            format!("folders are within each other more than {} levels deep", limits.depth)
        } else {
            String::new()
        };
        if !reached.is_empty() {
            let message = format!("`{}`: {reached}", shortened(&entry.path));
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        if entry.is_dir() {
            pending.extend(list(dir, &entry.path)?);
        }
        entries.push(entry);
    }
    Ok(entries)
}

/// Lists the entries of one folder, sorted by name, the first one last.
fn list(dir: &Dir, folder: &str) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    let found = if folder.is_empty() { dir.entries()? } else { dir.read_dir(folder)? };
    for found in found {
        let found = found?;
        let name = found.file_name().into_string().map_err(|name| {
            let message = format!("{}: the name is not UTF-8", name.display());
            io::Error::new(io::ErrorKind::InvalidData, message)
        })?;
        let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
        let metadata = found.metadata()?;
        let kind = metadata.file_type();
        let (mode, size, link) = if kind.is_symlink() {
            let target = dir.read_link_contents(&path)?;
            let target = target.to_string_lossy().into_owned();
            (GO_SYMLINK | 0o777, target.len() as u64, target)
        } else if kind.is_dir() {
            (GO_DIR | 0o755, 0, String::new())
        } else if kind.is_file() {
            // Only what git knows: executable or not. Otherwise a clone's umask would decide cache keys.
            let executable =
                cap_std::fs::PermissionsExt::mode(&metadata.permissions()) & 0o100 != 0;
            (if executable { 0o755 } else { 0o644 }, metadata.len(), String::new())
        } else {
            continue;
        };
        entries.push(Entry { path, mode, size, time: 0, link });
    }
    // All have the same folder before their names.
    entries.sort_unstable_by(|a, b| b.path.as_bytes().cmp(a.path.as_bytes()));
    Ok(entries)
}

/// Returns the beginning and the end of a long path.
fn shortened(path: &str) -> String {
    let parts: Vec<_> = path.split('/').collect();
    match (parts.get(..4), parts.last()) {
        (Some(first), Some(last)) if parts.len() > 8 => format!("{}/…/{last}", first.join("/")),
        _ => path.to_owned(),
    }
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
    use std::{collections::BTreeMap, fs};

    /// Makes `levels` folders within each other.
    fn deep(root: &Path, levels: usize) {
        let mut dir = Dir::open_ambient_dir(root, cap_std::ambient_authority()).unwrap();
        for _ in 0..levels {
            dir.create_dir("d").unwrap();
            dir = dir.open_dir("d").unwrap();
        }
        dir.write("f", "text").unwrap();
    }

    #[test]
    fn a_deep_tree_is_refused_by_name() {
        let state = tempfile::tempdir().unwrap();
        let tree = tempfile::tempdir().unwrap();
        deep(tree.path(), 300);
        let refused = Context::tree(tree.path(), state.path().join("m")).map(drop).unwrap_err();
        let expected = "`d/d/d/d/…/d`: folders are within each other more than 256 levels deep";
        assert_eq!(refused.to_string(), expected);
        let tree = tempfile::tempdir().unwrap();
        deep(tree.path(), 256);
        let context = Context::tree(tree.path(), state.path().join("m")).unwrap();
        assert_eq!(context.entries().len(), 257);
    }

    #[test]
    fn a_large_tree_is_refused_by_name() {
        let tree = tempfile::tempdir().unwrap();
        for name in ["a", "b", "c"] {
            fs::write(tree.path().join(name), "12345").unwrap();
        }
        let dir = Dir::open_ambient_dir(tree.path(), cap_std::ambient_authority()).unwrap();
        let refused = |limits: Limits| walk(&dir, &limits).map(drop).unwrap_err().to_string();
        let files = refused(Limits { entries: 2, ..Limits::default() });
        assert_eq!(files, "`c`: the tree has more than 2 files and folders");
        let bytes = refused(Limits { bytes: 9, ..Limits::default() });
        assert_eq!(bytes, "`b`: all files up to here have 10 bytes, expected at most 9");
        let all = walk(&dir, &Limits { entries: 3, bytes: 15, depth: 0 }).unwrap();
        assert_eq!(all.len(), 3);
    }

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
    fn a_dockerignore_for_built_files_does_not_count_for_a_recipe() {
        let names = |ignore: &str| {
            let tree = tempfile::tempdir().unwrap();
            let state = tempfile::tempdir().unwrap();
            fs::write(tree.path().join(".dockerignore"), ignore).unwrap();
            let tree = Context::tree(tree.path(), state.path().join("m")).unwrap();
            let text = Context::text("FROM scratch\n".into(), &tree);
            let mut read = String::new();
            text.open("Dockerfile").unwrap().read_to_string(&mut read).unwrap();
            assert_eq!(read, "FROM scratch\n");
            text.entries().len()
        };
        assert_eq!(names("*\n!target/*-runner\n!target/quarkus-app/*\n"), 2);
        for counts in ["target\n", "*\n!src\n!pom.xml\n", "!target\n", ""] {
            assert_eq!(names(counts), 1, "{counts}");
        }
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
