//! The tree that a guest reads: relative paths only, symlinks never followed, everything counted.

use crate::{
    bindings::{
        types::{Error, ErrorKind},
        workspace::{Entry, Host, HostTree, Kind},
    },
    state::State,
};
use cap_std::fs::Dir;
use globset::{GlobBuilder, GlobMatcher};
use std::{
    collections::BTreeMap,
    io::Read,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};
use wasmtime::component::Resource;

/// A folder deeper than this is not looked into.
pub(crate) const DEEPEST: usize = 20;
/// Entries that one walk of a tree looks at.
pub(crate) const MOST_ENTRIES: usize = 50_000;

#[allow(unreachable_pub, reason = "bindgen re-exports it")]
/// The host's side of a `tree` handle.
#[derive(Clone)]
pub struct TreeHandle(Arc<Place>);

enum Place {
    /// A job's workspace.
    Disk(Dir),
    /// Reports of a test, by path.
    Memory(BTreeMap<String, String>),
}

impl TreeHandle {
    pub(crate) fn disk(root: &Path) -> wasmtime::Result<Self> {
        let root = Dir::open_ambient_dir(root, cap_std::ambient_authority())?;
        Ok(Self(Arc::new(Place::Disk(root))))
    }

    pub(crate) fn memory(files: BTreeMap<String, String>) -> Self {
        Self(Arc::new(Place::Memory(files)))
    }
}

fn error(kind: ErrorKind, message: String) -> Error {
    Error { kind, message, hint: None }
}

/// `a/b`, and `""` where the root is allowed.
fn check(path: &str) -> Result<(), Error> {
    let bad = path.starts_with('/')
        || path.len() > 4096
        || path.contains(['\0', '\\'])
        || path.split('/').any(|part| part == "..");
    if bad {
        Err(error(
            ErrorKind::InvalidInput,
            format!("`{}` is no path within the tree", crate::state::sanitize(path)),
        ))
    } else {
        Ok(())
    }
}

/// No part of the path, nor its end, is a symlink.
fn is_plain(root: &Dir, path: &str) -> bool {
    let cuts = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
    cuts.filter_map(|at| path.get(..at))
        .filter(|part| !part.is_empty())
        .all(|part| root.symlink_metadata(part).is_ok_and(|metadata| !metadata.is_symlink()))
}

impl TreeHandle {
    async fn list(&self, dir: &str, limit: usize) -> Result<Vec<Entry>, Error> {
        let failed = |e: std::io::Error| error(ErrorKind::Failed, e.to_string());
        check(dir)?;
        let root = match &*self.0 {
            Place::Disk(root) => root,
            Place::Memory(files) => return Ok(in_memory(files, dir, limit)),
        };
        if !is_plain(root, dir) {
            return Err(error(
                ErrorKind::NotFound,
                format!("there is no folder `{}`", crate::state::sanitize(dir)),
            ));
        }
        let dir = if dir.is_empty() { "." } else { dir };
        let mut entries = Vec::new();
        for found in root.read_dir(dir).map_err(failed)? {
            breathe(entries.len()).await;
            let found = found.map_err(failed)?;
            let Ok(name) = found.file_name().into_string() else { continue };
            let metadata = found.metadata().map_err(failed)?;
            let kind = match metadata.file_type() {
                kind if kind.is_symlink() => Kind::Symlink,
                kind if kind.is_dir() => Kind::Dir,
                kind if kind.is_file() => Kind::File,
                _ => continue,
            };
            entries.push(Entry { path: name, kind, size: metadata.len() });
            if entries.len() > MOST_ENTRIES {
                return Err(error(
                    ErrorKind::BudgetExceeded,
                    format!("more than {MOST_ENTRIES} entries"),
                ));
            }
        }
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        entries.truncate(limit);
        Ok(entries)
    }

    async fn glob(&self, matcher: &GlobMatcher, limit: usize) -> Result<Vec<String>, Error> {
        let mut found = Vec::new();
        let mut folders = vec![String::new()];
        let mut looked = 0;
        while let Some(folder) = folders.pop() {
            for entry in self.list(&folder, MOST_ENTRIES).await? {
                looked += 1;
                if looked > MOST_ENTRIES {
                    return Err(error(
                        ErrorKind::BudgetExceeded,
                        format!("the tree has more than {MOST_ENTRIES} entries"),
                    ));
                }
                let path = match &*folder {
                    "" => entry.path,
                    folder => format!("{folder}/{}", entry.path),
                };
                match entry.kind {
                    Kind::Dir if path.matches('/').count() < DEEPEST => folders.push(path),
                    Kind::File if matcher.is_match(&path) => found.push(path),
                    _ => {}
                }
            }
        }
        found.sort();
        found.truncate(limit);
        Ok(found)
    }

    fn text(&self, path: &str, max: u64) -> Result<Option<String>, Error> {
        check(path)?;
        let too_long = |bytes: u64| {
            let message = format!("`{path}` has {bytes} bytes; {max} were asked for");
            error(ErrorKind::BudgetExceeded, message)
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
            // What is no plain file is not there, for a guest.
            _ => return Ok(None),
        };
        if metadata.len() > max {
            return Err(too_long(metadata.len()));
        }
        let failed = |e: std::io::Error| error(ErrorKind::Failed, e.to_string());
        let mut bytes = Vec::new();
        let file = root.open(path).map_err(failed)?;
        file.take(max).read_to_end(&mut bytes).map_err(failed)?;
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(error(ErrorKind::InvalidInput, format!("`{path}` is not UTF-8"))),
        }
    }
}

/// The entries of a folder that exists only by its files' paths.
fn in_memory(files: &BTreeMap<String, String>, dir: &str, limit: usize) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for (path, text) in files {
        let rest = match dir {
            "" => Some(&**path),
            dir => path.strip_prefix(dir).and_then(|rest| rest.strip_prefix('/')),
        };
        let Some(rest) = rest else { continue };
        let (name, kind) = match rest.split_once('/') {
            Some((folder, _)) => (folder, Kind::Dir),
            None => (rest, Kind::File),
        };
        if entries.last().is_none_or(|last| last.path != name) {
            let size = if kind == Kind::File { text.len() as u64 } else { 0 };
            entries.push(Entry { path: name.into(), kind, size });
        }
    }
    entries.truncate(limit);
    entries
}

impl Host for State {}

impl HostTree for State {
    async fn read_dir(
        &mut self,
        tree: Resource<TreeHandle>,
        dir: String,
        limit: u32,
    ) -> wasmtime::Result<Result<Vec<Entry>, Error>> {
        self.ledger.host_call(&self.limits)?;
        let files = self.table.get(&tree)?.clone();
        let most = self.limits.output / 64;
        Ok(files.list(&dir, count(limit).min(most)).await)
    }

    async fn glob(
        &mut self,
        tree: Resource<TreeHandle>,
        pattern: String,
        limit: u32,
    ) -> wasmtime::Result<Result<Vec<String>, Error>> {
        self.ledger.host_call(&self.limits)?;
        if pattern.len() > 256 {
            return Ok(Err(error(
                ErrorKind::InvalidInput,
                "a pattern has at most 256 bytes".into(),
            )));
        }
        let matcher = match compiled(&pattern) {
            Ok(matcher) => matcher,
            Err(why) => return Ok(Err(error(ErrorKind::InvalidInput, why.to_string()))),
        };
        let files = self.table.get(&tree)?.clone();
        let most = self.limits.output / 64;
        Ok(files.glob(&matcher, count(limit).min(most)).await)
    }

    async fn read_text(
        &mut self,
        tree: Resource<TreeHandle>,
        path: String,
        max: u32,
    ) -> wasmtime::Result<Result<Option<String>, Error>> {
        self.ledger.host_call(&self.limits)?;
        // More would not fit beside what the guest has anyway.
        let max = u64::from(max).min(self.limits.memory as u64 / 4);
        Ok(self.table.get(&tree)?.text(&path, max))
    }

    async fn drop(&mut self, tree: Resource<TreeHandle>) -> wasmtime::Result<()> {
        self.table.delete(tree)?;
        Ok(())
    }
}

/// After so many entries others come first. Walks and reads stay on the runtime's own threads: a
/// checkout was written a moment ago and is in memory, and to hand its walk to another thread took
/// four times as long as the walk.
const BREATH: usize = 256;

pub(crate) async fn breathe(looked: usize) {
    if looked % BREATH == BREATH - 1 {
        tokio::task::yield_now().await;
    }
}

/// Patterns that plugins ask for are few, and compiling one takes longer than a call: short ones are
/// kept.
fn compiled(pattern: &str) -> Result<GlobMatcher, globset::Error> {
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

fn count(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}
