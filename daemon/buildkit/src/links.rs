//! Symlinks on the paths that `COPY` names. The builder needs the links and their targets.
//!
//! Docker's client finds them with fsutil's `FollowLinks`. `FollowLinks` visits each link once, so that of two
//! paths through one link the second is not found. Here each path is walked to its end.

use crate::{
    context::Entry,
    patterns::{Patterns, clean},
};
use std::collections::{BTreeMap, BTreeSet};

/// Most links in one path, as in Linux. More are a loop.
const MOST_LINKS: u32 = 40;

/// Most work of all walks together: entries that are visited, and parts of paths that are kept for later.
/// A tree that needs more is sent whole.
const MOST_WORK: usize = 1_000_000;

/// One name in a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Name(String),
    Glob(String),
}

/// Path that is being walked.
struct Walk {
    /// Folder or file that was reached, without links.
    at: String,
    /// Parts that are still to come, the next one last.
    rest: Vec<Part>,
    links: u32,
}

/// Entries of a tree, by path and by folder.
struct Index<'a> {
    entries: BTreeMap<&'a str, &'a Entry>,
    folders: BTreeMap<&'a str, Vec<&'a Entry>>,
    globs: BTreeMap<String, Option<Patterns>>,
}

/// Finds the links on the way to `paths`, and their targets. `None` means that the whole tree is needed.
pub(crate) fn follow(entries: &[Entry], paths: &[String]) -> Option<BTreeSet<String>> {
    let mut index = Index::new(entries);
    let mut found = BTreeSet::new();
    let mut visited = BTreeSet::new();
    let mut walks: Vec<Walk> = paths.iter().map(|path| Walk::of(&clean(path))).collect();
    let mut left = MOST_WORK;
    while let Some(mut walk) = walks.pop() {
        left = left.checked_sub(walk.work())?;
        if !visited.insert((walk.at.clone(), walk.rest.clone())) {
            continue;
        }
        match walk.rest.pop() {
            None if walk.at.is_empty() => return None,
            // A path without links is found by its own pattern.
            None if walk.links == 0 => {}
            None => {
                found.insert(walk.at);
            }
            Some(Part::Name(name)) if name == ".." => {
                walk.at = folder_of(&walk.at).to_owned();
                walks.push(walk);
            }
            Some(part) => {
                left = left.checked_sub(index.work(&walk.at, &part))?;
                for entry in index.find(&walk.at, &part) {
                    if entry.link.is_empty() {
                        // An entry that holds nothing leads no further.
                        if walk.rest.is_empty() || index.folders.contains_key(&*entry.path) {
                            left = left.checked_sub(walk.work())?;
                            let rest = walk.rest.clone();
                            let links = walk.links;
                            walks.push(Walk { at: entry.path.clone(), rest, links });
                        }
                    } else if walk.links < MOST_LINKS {
                        found.insert(entry.path.clone());
                        let through = walk.through(&entry.link);
                        left = left.checked_sub(through.work())?;
                        walks.push(through);
                    }
                }
            }
        }
    }
    Some(found)
}

impl Walk {
    /// Begins a walk at the root of the tree. `path` is cleaned.
    fn of(path: &str) -> Self {
        let part = |part: &str| {
            if part.contains(['*', '?', '[', '\\']) {
                Part::Glob(part.into())
            } else {
                Part::Name(part.into())
            }
        };
        let parts = path.split('/').filter(|part| !part.is_empty());
        Self { at: String::new(), rest: parts.rev().map(part).collect(), links: 0 }
    }

    /// Returns the cost of the rest of the path, which is copied and compared.
    fn work(&self) -> usize {
        1 + self.rest.len()
    }

    /// Continues behind a link in the folder that was reached. A link's `/` is the root of the tree.
    fn through(&self, link: &str) -> Self {
        let at = if link.starts_with('/') { String::new() } else { self.at.clone() };
        let parts = link.split('/').filter(|part| !matches!(*part, "" | "."));
        let mut rest = self.rest.clone();
        rest.extend(parts.rev().map(|part| Part::Name(part.into())));
        Self { at, rest, links: self.links + 1 }
    }
}

impl<'a> Index<'a> {
    fn new(entries: &'a [Entry]) -> Self {
        let mut folders: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
        for entry in entries {
            folders.entry(folder_of(&entry.path)).or_default().push(entry);
        }
        let entries = entries.iter().map(|entry| (&*entry.path, entry)).collect();
        Self { entries, folders, globs: BTreeMap::new() }
    }

    /// Counts the entries that [`Self::find`] visits.
    fn work(&self, folder: &str, part: &Part) -> usize {
        match part {
            Part::Name(_) => 1,
            Part::Glob(_) => self.folders.get(folder).map_or(0, Vec::len),
        }
    }

    /// Finds the entries of a folder that one part of a path names.
    fn find(&mut self, folder: &str, part: &Part) -> Vec<&'a Entry> {
        let glob = match part {
            Part::Name(name) => {
                let path = join(folder, name);
                return self.entries.get(&*path).copied().into_iter().collect();
            }
            Part::Glob(glob) => glob,
        };
        // A bad pattern names nothing. The builder reports the whole path.
        let patterns = self
            .globs
            .entry(glob.clone())
            .or_insert_with(|| Patterns::new(std::slice::from_ref(glob)).ok());
        let Some(patterns) = patterns else { return Vec::new() };
        let all = self.folders.get(folder).into_iter().flatten().copied();
        all.filter(|entry| {
            let name = entry.path.rsplit('/').next().unwrap_or_default();
            patterns.matches(name, None).0
        })
        .collect()
    }
}

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Creates a tree of files, and of links as `link -> target`. Folders are made as needed.
    fn tree(lines: &[&str]) -> Vec<Entry> {
        let mut entries = BTreeMap::new();
        for &line in lines {
            let (path, link) = line.split_once(" -> ").unwrap_or((line, ""));
            for (at, _) in path.match_indices('/') {
                entries.insert(path[..at].to_owned(), String::new());
            }
            entries.insert(path.to_owned(), link.to_owned());
        }
        let entry = |(path, link)| Entry { path, mode: 0, size: 0, time: 0, link };
        entries.into_iter().map(entry).collect()
    }

    fn found(lines: &[&str], paths: &[&str]) -> Option<Vec<String>> {
        let paths: Vec<_> = paths.iter().map(|&path| path.to_owned()).collect();
        Some(follow(&tree(lines), &paths)?.into_iter().collect())
    }

    fn some(paths: &[&str]) -> Option<Vec<String>> {
        Some(paths.iter().map(|&path| path.to_owned()).collect())
    }

    #[test]
    fn a_folder_on_the_way_may_be_a_link() {
        let lines = ["releases/7/app.py", "releases/7/pages/index.html", "current -> releases/7"];
        assert_eq!(
            found(&lines, &["current/app.py", "current/pages"]),
            some(&["current", "releases/7/app.py", "releases/7/pages"])
        );
        assert_eq!(
            found(&lines, &["c*/*.py", "current/./pages/"]),
            some(&["current", "releases/7/app.py", "releases/7/pages"])
        );
        assert_eq!(found(&lines, &["current/none"]), some(&["current"]));
        assert_eq!(found(&lines, &["releases/7/app.py"]), some(&[]), "its own pattern finds it");
    }

    #[test]
    fn links_lead_to_links() {
        let lines = ["dir/foo", "dir/l1 -> foo", "l2 -> dir/l1", "deep/up -> ../l2"];
        assert_eq!(found(&lines, &["deep/up"]), some(&["deep/up", "dir/foo", "dir/l1", "l2"]));
        // Not through the link's own folder, as text would have it, but through its target's.
        let lines = ["a/b/c", "a/x", "link -> a/b", "up -> link/../x"];
        assert_eq!(found(&lines, &["up"]), some(&["a/x", "link", "up"]));
    }

    #[test]
    fn the_tree_has_no_outside() {
        let lines = ["baz", "dir/l1 -> /foo/bar/baz", "foo/bar -> ../../../"];
        assert_eq!(found(&lines, &["dir/l1"]), some(&["baz", "dir/l1", "foo/bar"]));
        assert_eq!(found(&["a", "root -> /"], &["root"]), None, "all of it");
        assert_eq!(found(&["a", "root -> ."], &["root/a"]), some(&["a", "root"]));
    }

    #[test]
    fn loops_end() {
        let lines = ["l1 -> l1", "l2 -> l3", "l3 -> l2", "grows -> grows/more"];
        assert_eq!(found(&lines, &["l1", "l3/x"]), some(&["l1", "l2", "l3"]));
        assert_eq!(found(&lines, &["grows"]), some(&["grows"]));
        // Each of the links, and the folder that all lead to.
        let many: Vec<_> = (0..400).map(|n| format!("d/l{n} -> ../d")).collect();
        let many: Vec<_> = many.iter().map(|line| &**line).collect();
        assert!(found(&many, &["d/*/*/*/*/*/*"]).is_some_and(|found| found.len() == 401));
    }

    /// A long path through a wide tree costs both together.
    #[test]
    fn long_paths_and_wide_folders_are_given_up() {
        let path = format!("d{}", "/*".repeat(2_000));
        let files: Vec<_> = (0..5_000).map(|n| format!("d/f{n}")).collect();
        let files: Vec<_> = files.iter().map(|line| &**line).collect();
        assert_eq!(found(&files, &[&*path]), some(&[]), "files hold nothing");
        let folders: Vec<_> = (0..5_000).map(|n| format!("d/f{n}/x")).collect();
        let folders: Vec<_> = folders.iter().map(|line| &**line).collect();
        assert_eq!(found(&folders, &[&*path]), None, "all of it");
        assert_eq!(found(&folders, &["d/*/x"]), some(&[]));
    }

    #[test]
    fn names_that_look_like_patterns() {
        let lines = ["a[1]/x", "link -> a[1]", "*b -> a[1]", "cb"];
        assert_eq!(found(&lines, &["link/x"]), some(&["a[1]/x", "link"]));
        assert_eq!(found(&lines, &["\\*b/x"]), some(&["*b", "a[1]/x"]));
        assert_eq!(found(&lines, &["[b/x"]), some(&[]));
    }
}
