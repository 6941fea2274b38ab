//! Files that differ between two commits.
//!
//! The trees of both are compared, not what is between them: one push may have many commits, and any merge among them.

use crate::{
    both,
    fetch::{has, id},
    limits::CheckoutLimits,
    link::{self, send},
    list::List,
    protocol::{FetchError, HEARTBEAT, Reply, Request},
    remote::{get, init, list, local, refused, refuses_ids},
};
use git2::{ObjectType, Oid, Repository};
use std::{collections::BTreeMap, time::Instant};

/// Bytes of the longest path that Linux knows.
const LONGEST_PATH: usize = 4096;

/// An entry of a tree.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Entry {
    id: Oid,
    mode: i32,
    is_folder: bool,
}

/// The same name in both trees. `None` means that it is not there.
#[derive(Clone, Copy, Default)]
struct Sides {
    old: Option<Entry>,
    new: Option<Entry>,
}

/// A folder that differs. `None` means that it is none on that side.
struct Folder {
    path: Vec<u8>,
    old: Option<Oid>,
    new: Option<Oid>,
    /// Number of folders that enclose it.
    depth: u64,
}

/// Lists the paths of files that differ between the commits `from` and `commit`, at most `most`, those that were there
/// and those that are. A file that moved has both of its paths. The request's folder is empty.
pub(crate) fn changed(
    request: &Request,
    from: &str,
    commit: &str,
    most: usize,
    limits: &CheckoutLimits,
) -> Result<List, FetchError> {
    let Request { url, to, .. } = request;
    let missing = |commit: &str, message| FetchError::Missing { commit: commit.into(), message };
    let old = id(from).map_err(|message| missing(from, message))?;
    let new = id(commit).map_err(|message| missing(commit, message))?;
    let repository = init(to).map_err(|error| local(&error))?;
    let mut wanted = vec![old, new];
    wanted.dedup();
    let tried = match both::fetch(url, &wanted, &repository, to) {
        Ok(()) => String::new(),
        Err(error) => {
            // The daemon knows what became of the connection. Only an odd answer may be due to
            // the protocol's version.
            if let Some(failure) = link::failure()
                && !matches!(failure, FetchError::Other(_))
            {
                return Err(failure);
            }
            format!("looked over protocol v2 ({error}), ")
        }
    };
    for id in wanted {
        if !is_there(&repository, id)? {
            obtain(&repository, url, id, &tried)?;
        }
    }
    let tree = |id| {
        let commit = repository.find_commit(id).map_err(|error| local(&error))?;
        Ok::<_, FetchError>(commit.tree_id())
    };
    compare(&repository, tree(old)?, tree(new)?, url, most, limits)
}

/// Fetches one commit over version 0 of the protocol: by its id, or with the tip of a ref that happens to be it. `tried`
/// says what was tried before.
fn obtain(repository: &Repository, url: &str, id: Oid, tried: &str) -> Result<(), FetchError> {
    let wanted = id.to_string();
    let spec = |name: &str| format!("+{name}:refs/windlass/{wanted}");
    if let Err(error) = get(repository, url, &spec(&wanted), 1)
        && !refuses_ids(&error)
    {
        return Err(refused(&error));
    }
    if is_there(repository, id)? {
        return Ok(());
    }
    let refs = list(repository, url).map_err(|error| refused(&error))?;
    if let Some(tip) = refs.iter().find(|tip| tip.id == wanted) {
        // An annotated tag's commit comes with the tag.
        let name = tip.name.strip_suffix("^{}").unwrap_or(&tip.name);
        get(repository, url, &spec(name), 1).map_err(|error| refused(&error))?;
        if is_there(repository, id)? {
            return Ok(());
        }
    }
    let message = format!("{tried}looked by id, and at all refs' tips");
    Err(FetchError::Missing { commit: wanted, message })
}

/// Returns whether a commit was fetched. An object of another kind is an error.
fn is_there(repository: &Repository, id: Oid) -> Result<bool, FetchError> {
    has(repository, id).map_err(|error| match error {
        FetchError::NoCommit(message) => FetchError::Missing { commit: id.to_string(), message },
        other => other,
    })
}

/// Compares two trees. Folders that are the same are not opened, and of those that differ no more entries are read than
/// two checkouts may have: a few objects can name each other to be billions of files.
fn compare(
    repository: &Repository,
    old: Oid,
    new: Oid,
    url: &str,
    most: usize,
    limits: &CheckoutLimits,
) -> Result<List, FetchError> {
    let mut found = List::default();
    let mut left = limits.max_files.saturating_mul(2);
    let mut last = Instant::now();
    let mut folders = vec![Folder { path: Vec::new(), old: Some(old), new: Some(new), depth: 0 }];
    while let Some(folder) = folders.pop() {
        if folder.depth > limits.max_depth {
            let (depth, most) = (folder.depth, limits.max_depth);
            let message =
                format!("is within {depth} folders, and the limit `checkout.max-depth` is {most}");
            return Err(beyond(&folder.path, message));
        }
        for (name, sides) in entries(repository, &folder, limits, &mut left)? {
            if last.elapsed() > HEARTBEAT {
                send(&Reply::Alive);
                last = Instant::now();
            }
            if sides.old == sides.new {
                continue;
            }
            let slash: &[u8] = if folder.path.is_empty() { b"" } else { b"/" };
            let path = [&*folder.path, slash, &*name].concat();
            if path.len() > LONGEST_PATH {
                let message =
                    format!("its path has {} bytes, and the limit is {LONGEST_PATH}", path.len());
                return Err(beyond(&path, message));
            }
            if [sides.old, sides.new].into_iter().flatten().any(|entry| !entry.is_folder) {
                if found.len() >= most {
                    let message = format!("more than {most} files differ between both commits");
                    return Err(FetchError::Tree { path: url.into(), message });
                }
                found.push(String::from_utf8_lossy(&path).into_owned())?;
            }
            let (old, new) = (tree(sides.old), tree(sides.new));
            if old != new {
                folders.push(Folder { path, old, new, depth: folder.depth + 1 });
            }
        }
    }
    let mut lines = found.take();
    lines.sort();
    found.add(lines)?;
    Ok(found)
}

/// Returns the entries of a folder on both sides, by name.
fn entries(
    repository: &Repository,
    folder: &Folder,
    limits: &CheckoutLimits,
    left: &mut u64,
) -> Result<BTreeMap<Vec<u8>, Sides>, FetchError> {
    let mut names: BTreeMap<Vec<u8>, Sides> = BTreeMap::new();
    for (id, is_new) in [(folder.old, false), (folder.new, true)] {
        let Some(id) = id else { continue };
        for entry in repository.find_tree(id).map_err(|error| local(&error))?.iter() {
            let Some(less) = left.checked_sub(1) else {
                let most = limits.max_files;
                return Err(beyond(
                    &folder.path,
                    format!(
                        "more entries differ than two checkouts may have: the limit `checkout.max-files` is {most}"
                    ),
                ));
            };
            *left = less;
            let is_folder = entry.kind() == Some(ObjectType::Tree);
            let found = Entry { id: entry.id(), mode: entry.filemode(), is_folder };
            let sides = names.entry(entry.name_bytes().to_vec()).or_default();
            let side = if is_new { &mut sides.new } else { &mut sides.old };
            *side = Some(found);
        }
    }
    Ok(names)
}

/// Returns the id of an entry that is a folder.
fn tree(entry: Option<Entry>) -> Option<Oid> {
    entry.filter(|entry| entry.is_folder).map(|entry| entry.id)
}

/// Makes the error of an entry beyond a limit, cut: a tree may have names of any length.
fn beyond(path: &[u8], message: String) -> FetchError {
    let path: String = String::from_utf8_lossy(path).chars().take(200).collect();
    FetchError::Tree { path, message }
}

#[cfg(test)]
mod tests;
