//! Paths within a tree.

use crate::tree::{EntryKind, Tree};

/// Returns whether a file exists, of any length. A folder or a symlink is no file.
#[must_use]
pub fn exists(tree: &Tree<'_>, path: &str) -> bool {
    tree.stat(path).ok().flatten().is_some_and(|entry| entry.kind == EntryKind::File)
}

/// Joins a path to a folder, and resolves `.` and `..`. `None` means that it leads out of the tree.
#[must_use]
pub fn join(folder: &str, path: &str) -> Option<String> {
    if path.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Returns whether a path leads out of the folder that it is relative to. An absolute path always does.
#[must_use]
pub fn leads_out(path: &str) -> bool {
    path.starts_with("~/") || join("", path).is_none()
}

/// Joins a folder of the tree and a name below it, as they are. `""` is the root.
#[must_use]
pub fn within(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

#[cfg(test)]
mod tests {
    use super::{join, leads_out};

    #[test]
    fn paths_that_lead_out() {
        for inside in ["", ".", "./a", "a/../b", "a/b/../../c", "..a"] {
            assert!(!leads_out(inside), "{inside}");
        }
        for outside in ["..", "../a", "./../a", "a/../../b/c", "/a", "~/a"] {
            assert!(leads_out(outside), "{outside}");
        }
    }

    #[test]
    fn paths_are_joined_without_dots() {
        assert_eq!(join("apps/web", "../../a/./b/").as_deref(), Some("a/b"));
        assert_eq!(join("apps", "").as_deref(), Some("apps"));
        assert_eq!(join("apps", "../../a"), None);
    }
}
