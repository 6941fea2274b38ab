//! Paths within a tree.

use crate::Tree;

/// Says whether a file is there, however long. A folder or a symlink is none.
#[must_use]
pub fn exists(tree: &Tree, path: &str) -> bool {
    // Nothing is read: a file that is not empty is longer than 0 bytes, which is the error.
    !matches!(tree.read_text(path, 0), Ok(None))
}

/// Says whether a path leads out of the folder that it is relative to. An absolute path always does.
#[must_use]
pub fn leads_out(path: &str) -> bool {
    let mut depth = 0_i32;
    let mut above = |part: &str| {
        depth += match part {
            "" | "." => 0,
            ".." => -1,
            _ => 1,
        };
        depth < 0
    };
    path.starts_with('/') || path.starts_with("~/") || path.split('/').any(|part| above(part))
}

#[cfg(test)]
mod tests {
    use super::leads_out;

    #[test]
    fn paths_that_lead_out() {
        for inside in ["", ".", "./a", "a/../b", "a/b/../../c", "..a"] {
            assert!(!leads_out(inside), "{inside}");
        }
        for outside in ["..", "../a", "./../a", "a/../../b/c", "/a", "~/a"] {
            assert!(leads_out(outside), "{outside}");
        }
    }
}
