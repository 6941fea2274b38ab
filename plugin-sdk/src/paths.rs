//! Paths within a tree.

use crate::Tree;

/// Returns whether a file exists, of any length. A folder or a symlink is no file.
#[must_use]
pub fn exists(tree: &Tree, path: &str) -> bool {
    // The limit of 0 bytes reads nothing: a file that is not empty exceeds the limit, which is the error.
    !matches!(tree.read_text(path, 0), Ok(None))
}

/// Returns whether a path leads out of the folder that it is relative to. An absolute path always does.
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
