//! Folders of a repository, by their paths from its root. `""` is the root.

pub use crate::paths::join;

/// Returns a folder and all folders above it, the nearest first; the root is the last.
pub fn upward(folder: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(folder), |&folder| (!folder.is_empty()).then(|| parent(folder)))
}

/// Returns the folder that holds a path.
#[must_use]
pub fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// Returns a path relative to a folder. `None` means that the folder does not hold the path.
#[must_use]
pub fn within<'a>(folder: &str, path: &'a str) -> Option<&'a str> {
    if folder.is_empty() {
        return Some(path);
    }
    match path.strip_prefix(folder)? {
        "" => Some(""),
        rest => rest.strip_prefix('/'),
    }
}

/// Returns the deepest folder that holds both.
#[must_use]
pub fn common(one: &str, other: &str) -> String {
    let above = upward(one).find(|folder| within(folder, other).is_some());
    above.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_joined_without_dots() {
        assert_eq!(join("apps/web", "../../libs/./a/").as_deref(), Some("libs/a"));
        assert_eq!(join("", "./").as_deref(), Some(""));
        assert_eq!(join("a", "../.."), None);
        assert_eq!(join("a", "/etc"), None);
    }

    #[test]
    fn folders_above_end_at_the_root() {
        assert_eq!(upward("a/b").collect::<Vec<_>>(), ["a/b", "a", ""]);
        assert_eq!(upward("").collect::<Vec<_>>(), [""]);
        assert_eq!(common("apps/web", "apps/api/x"), "apps");
        assert_eq!(common("apps", "apps/api"), "apps");
        assert_eq!(common("app", "apps"), "");
        assert_eq!(within("app", "apps/x"), None);
        assert_eq!(within("apps", "apps/x"), Some("x"));
    }
}
