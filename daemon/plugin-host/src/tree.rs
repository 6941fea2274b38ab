//! The tree that a guest reads: relative paths only, symlinks never followed, everything counted.

use crate::{
    listing::{Listing, MOST_ENTRIES, breathe, depth, relative},
    text::sanitize,
};
use cap_std::fs::{Dir, FileType};
use globset::{GlobBuilder, GlobMatcher};
use std::{
    collections::BTreeMap,
    io::{self, Read},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

/// The host's side of a `tree` handle.
#[allow(unreachable_pub, reason = "bindgen re-exports it")]
#[derive(Clone)]
pub struct TreeHandle(Arc<Place>);

enum Place {
    /// A folder of a job's workspace, and the listing of the whole.
    Disk {
        root: Dir,
        /// Path of the folder within the repository.
        folder: String,
        listing: Arc<Listing>,
    },
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

impl EntryKind {
    /// Returns the kind of a file. `None` means a device, a socket or a pipe.
    fn of(kind: &FileType) -> Option<Self> {
        if kind.is_symlink() {
            Some(Self::Symlink)
        } else if kind.is_dir() {
            Some(Self::Dir)
        } else {
            kind.is_file().then_some(Self::File)
        }
    }
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
    /// Opens a folder of a repository, whose files are listed already.
    pub(crate) fn disk(repository: &Path, folder: &str, listing: Arc<Listing>) -> io::Result<Self> {
        let root = repository.join(folder);
        let root = Dir::open_ambient_dir(root, cap_std::ambient_authority())?;
        Ok(Self(Arc::new(Place::Disk { root, folder: folder.into(), listing })))
    }

    /// Returns a tree of these files, by path.
    pub(crate) fn memory(files: BTreeMap<String, String>) -> Self {
        Self(Arc::new(Place::Memory(files)))
    }

    /// Returns the entries of a folder by name, at most `limit`.
    pub(crate) async fn list(&self, dir: &str, limit: usize) -> Result<Vec<Entry>, TreeError> {
        check(dir)?;
        let root = match &*self.0 {
            Place::Disk { root, .. } => root,
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
            let Some(kind) = EntryKind::of(&metadata.file_type()) else { continue };
            entries.push(Entry { name, kind, size: metadata.len() });
            if entries.len() > MOST_ENTRIES {
                return Err(TreeError::TooMuch(format!("more than {MOST_ENTRIES} entries")));
            }
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        entries.truncate(limit);
        Ok(entries)
    }

    /// Returns the paths of files that match, by path, at most `limit`.
    pub(crate) async fn glob(&self, matcher: &GlobMatcher, limit: usize) -> Vec<String> {
        let mut found = self.matching(std::slice::from_ref(matcher), usize::MAX).await;
        found.sort();
        found.truncate(limit);
        found
    }

    /// Returns the paths of files that match one of these, the nearest to the root first, at most `limit`.
    pub(crate) async fn nearest(&self, matchers: &[GlobMatcher], limit: usize) -> Vec<String> {
        match &*self.0 {
            Place::Disk { .. } => self.matching(matchers, limit).await,
            Place::Memory(_) => {
                let mut found = self.matching(matchers, usize::MAX).await;
                found.sort_by_cached_key(|path| (depth(path), path.clone()));
                found.truncate(limit);
                found
            }
        }
    }

    /// Returns the first `limit` files that match, in the order in which the tree has them.
    async fn matching(&self, matchers: &[GlobMatcher], limit: usize) -> Vec<String> {
        match &*self.0 {
            Place::Disk { listing, folder, .. } => {
                // The nearest come first: behind the deepest that could match, none does.
                let most = deepest(matchers).unwrap_or(usize::MAX);
                let near = listing.below(folder).take_while(|path| depth(path) <= most);
                matching(near, matchers, limit).await
            }
            Place::Memory(files) => {
                matching(files.keys().map(String::as_str), matchers, limit).await
            }
        }
    }

    /// Returns the entry at a path, a symlink as such. `None` means that there is nothing, or something that no
    /// guest sees.
    pub(crate) fn stat(&self, path: &str) -> Result<Option<Entry>, TreeError> {
        check(path)?;
        let root = match &*self.0 {
            Place::Disk { root, .. } => root,
            Place::Memory(files) => return Ok(stat_in_memory(files, path)),
        };
        let above = path.rsplit_once('/').map_or("", |(above, _)| above);
        if !is_plain(root, above) {
            return Ok(None);
        }
        let metadata =
            if path.is_empty() { root.dir_metadata() } else { root.symlink_metadata(path) };
        let Ok(metadata) = metadata else { return Ok(None) };
        let kind = EntryKind::of(&metadata.file_type());
        Ok(kind.map(|kind| Entry { name: path.into(), kind, size: metadata.len() }))
    }

    /// Returns the text of a file. `None` means that there is no such file.
    pub(crate) fn text(&self, path: &str, max: u64) -> Result<Option<String>, TreeError> {
        check(path)?;
        let too_long = |bytes: u64| {
            TreeError::TooMuch(format!("`{path}` has {bytes} bytes; {max} were asked for"))
        };
        let root = match &*self.0 {
            Place::Disk { root, .. } => root,
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
        if path.ends_with(".txt")
            && let Some(text) = utf_16(&bytes)
        {
            return Ok(Some(text));
        }
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(TreeError::Invalid(format!("`{path}` is not UTF-8"))),
        }
    }
}

/// Returns text that a mark says to be UTF-16, as `pip freeze > requirements.txt` of a PowerShell is, and as pip reads
/// it. `None` means that it is none.
fn utf_16(bytes: &[u8]) -> Option<String> {
    let (mark, rest) = bytes.split_first_chunk::<2>()?;
    let unit = match mark {
        [0xff, 0xfe] => u16::from_le_bytes,
        [0xfe, 0xff] => u16::from_be_bytes,
        _ => return None,
    };
    let (pairs, []) = rest.as_chunks::<2>() else { return None };
    String::from_utf16(&pairs.iter().map(|pair| unit(*pair)).collect::<Vec<_>>()).ok()
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

/// Returns what is at a path of files that are in memory.
fn stat_in_memory(files: &BTreeMap<String, String>, path: &str) -> Option<Entry> {
    let entry = |kind, size| Entry { name: path.into(), kind, size };
    if let Some(text) = files.get(path) {
        return Some(entry(EntryKind::File, text.len() as u64));
    }
    let below = |file: &String| relative(file, path).is_some();
    (path.is_empty() || files.keys().any(below)).then(|| entry(EntryKind::Dir, 0))
}

/// Returns the most folders that a path may be in which one of the patterns matches. `None` means any number.
fn deepest(matchers: &[GlobMatcher]) -> Option<usize> {
    let of_one = |matcher: &GlobMatcher| {
        let pattern = matcher.glob().glob();
        // A class may hold a `/`. Each `/` of an alternative counts, so that the number is never too small.
        (!pattern.contains("**") && !pattern.contains('[')).then(|| depth(pattern))
    };
    matchers.iter().map(of_one).try_fold(0, |most, depth| Some(most.max(depth?)))
}

/// Returns the first `limit` paths that one of the patterns matches.
async fn matching<'a>(
    paths: impl Iterator<Item = &'a str>,
    matchers: &[GlobMatcher],
    limit: usize,
) -> Vec<String> {
    let mut found = Vec::new();
    for (looked, path) in paths.enumerate() {
        breathe(looked).await;
        if found.len() >= limit {
            break;
        }
        if matchers.iter().any(|matcher| matcher.is_match(path)) {
            found.push(path.to_owned());
        }
    }
    found
}

/// Compiles a pattern. Plugins use few patterns, and compiling one takes longer than a call: short patterns
/// are kept.
pub(crate) fn compiled(pattern: &str) -> Result<GlobMatcher, globset::Error> {
    static KEPT: Mutex<BTreeMap<String, GlobMatcher>> = Mutex::new(BTreeMap::new());
    const MOST: usize = 512;
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::symlink, time::Instant};

    /// A root file falls out of no limit, however many files lie below it.
    #[tokio::test]
    #[allow(clippy::print_stdout, reason = "times are for people: a busy machine is no failure")]
    async fn of_a_hundred_thousand_files_the_nearest_are_found_within_a_limit() {
        let folder = tempfile::tempdir().unwrap();
        for package in 0..1_000 {
            let package = folder.path().join(format!("a/p{package}"));
            fs::create_dir_all(&package).unwrap();
            for file in 0..100 {
                fs::write(package.join(format!("f{file}.go")), "").unwrap();
            }
        }
        for path in ["main.go", "a/p7/go.mod"] {
            fs::write(folder.path().join(path), "").unwrap();
        }
        let begun = Instant::now();
        let listing = Arc::new(Listing::walk(folder.path(), "").await.unwrap());
        println!("walked in {:?}", begun.elapsed());
        let tree = TreeHandle::disk(folder.path(), "", listing.clone()).unwrap();
        let begun = Instant::now();
        let found = tree.nearest(&[compiled("**/*.go").unwrap()], 500).await;
        println!("filtered in {:?}", begun.elapsed());
        assert_eq!((found.len(), &*found[0]), (500, "main.go"));
        let found = tree.nearest(&[compiled("**/go.mod").unwrap()], 500).await;
        assert_eq!(found, ["a/p7/go.mod"]);
        assert_eq!(listing.cut_at, None);
    }

    #[test]
    fn requirements_of_a_powershell_are_read_as_pip_reads_them() {
        let little = b"\xff\xfef\0l\0a\0s\0k\0\r\0\n\0";
        assert_eq!(utf_16(little).as_deref(), Some("flask\r\n"));
        assert_eq!(utf_16(b"\xfe\xff\0f").as_deref(), Some("f"));
        for other in [&b"flask\n"[..], b"\xff\xfef", b"\xff\xfe\0\xd8", b"\xff", b""] {
            assert_eq!(utf_16(other), None, "{other:?}");
        }
    }

    #[test]
    fn a_pattern_without_two_stars_is_no_deeper_than_its_slashes() {
        let of = |patterns: &[&str]| {
            let all: Vec<_> = patterns.iter().map(|pattern| compiled(pattern).unwrap()).collect();
            deepest(&all)
        };
        assert_eq!(of(&["*.py", "src/*.py"]), Some(1));
        assert_eq!(of(&["{a/b,c}/x.ts"]), Some(2));
        assert_eq!(of(&["*.py", "**/*.py"]), None);
        assert_eq!(of(&["a[!b]c"]), None);
    }

    #[tokio::test]
    async fn a_link_is_an_entry_and_nothing_behind_it_is() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("app")).unwrap();
        fs::write(folder.path().join("app/go.mod"), "module x\n").unwrap();
        symlink("app", folder.path().join("link")).unwrap();
        let listing = Arc::new(Listing::walk(folder.path(), "").await.unwrap());
        let tree = TreeHandle::disk(folder.path(), "", listing.clone()).unwrap();
        let memory =
            TreeHandle::memory([("app/go.mod".to_owned(), "module x\n".to_owned())].into());
        for tree in [&tree, &memory] {
            let kind = |path: &str| tree.stat(path).unwrap().map(|entry| (entry.kind, entry.size));
            assert_eq!(kind("app/go.mod"), Some((EntryKind::File, 9)));
            assert_eq!(kind("app").unwrap().0, EntryKind::Dir);
            assert_eq!(kind("").unwrap().0, EntryKind::Dir);
            assert_eq!(kind("app/go.sum"), None);
            assert!(tree.stat("../x").is_err());
        }
        assert_eq!(tree.stat("link").unwrap().unwrap().kind, EntryKind::Symlink);
        assert!(tree.stat("link/go.mod").unwrap().is_none());
        let app = TreeHandle::disk(folder.path(), "app", listing).unwrap();
        assert_eq!(app.glob(&compiled("*").unwrap(), 9).await, ["go.mod"]);
    }
}
