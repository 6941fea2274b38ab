//! Path filters of apps: which changed files deploy an app.

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};

/// Bytes of the longest glob.
const LONGEST: usize = 256;

/// Globs of an app. The last one that matches a path decides.
struct Filter {
    globs: GlobSet,
    /// For each glob, whether the files that it matches count.
    counts: Vec<bool>,
    /// Files that no glob matches count.
    by_default: bool,
}

/// Checks a glob of a path filter.
///
/// # Errors
/// A sentence with the fault and what is expected.
pub(super) fn check(glob: &str) -> Result<(), String> {
    let bare = glob.strip_prefix('!').unwrap_or(glob);
    if bare.trim_end_matches('/').is_empty() {
        return Err(
            "is empty: a file, a folder or a glob is required, such as `packages/**`".into()
        );
    }
    if bare.len() > LONGEST {
        return Err(format!("has {} bytes; at most {LONGEST} are allowed", bare.len()));
    }
    if bare.starts_with('/') || bare.split('/').any(|part| matches!(part, "." | "..")) {
        return Err(
            "can match no file: paths begin at the repository's root, without `/`, `.` or `..`"
                .into(),
        );
    }
    expanded(bare).map(drop).map_err(|error| format!("is no glob: {}", error.kind()))
}

/// Returns whether files of an app's path filter changed. No filter means that all files count, also where none changed.
#[must_use]
pub fn touched(paths: &[String], changed: &[String]) -> bool {
    if paths.is_empty() {
        return true;
    }
    // One that was never checked: to deploy once too often does less harm than to miss a change.
    let Ok(filter) = Filter::new(paths) else { return true };
    changed.iter().any(|path| filter.counts(path))
}

impl Filter {
    fn new(paths: &[String]) -> Result<Self, globset::Error> {
        let mut globs = GlobSetBuilder::new();
        let mut counts = Vec::new();
        for path in paths {
            let left_out = path.strip_prefix('!');
            for glob in expanded(left_out.unwrap_or(path))? {
                globs.add(glob);
                counts.push(left_out.is_none());
            }
        }
        let by_default = paths.first().is_some_and(|path| path.starts_with('!'));
        Ok(Self { globs: globs.build()?, counts, by_default })
    }

    fn counts(&self, path: &str) -> bool {
        // In the order in which they were added.
        let last = self.globs.matches(path).into_iter().max();
        last.and_then(|last| self.counts.get(last)).copied().unwrap_or(self.by_default)
    }
}

/// Returns the globs of a path: the path itself, and all below it if it can be a folder's name.
fn expanded(path: &str) -> Result<Vec<Glob>, globset::Error> {
    let bare = path.trim_end_matches('/');
    let last = bare.rsplit('/').next().unwrap_or_default();
    let is_name = !last.contains(['*', '?', '[', '{']);
    let mut globs = Vec::new();
    if bare.len() == path.len() {
        globs.push(glob(bare)?);
    }
    if is_name || bare.len() < path.len() {
        globs.push(glob(&format!("{bare}/**"))?);
    }
    Ok(globs)
}

fn glob(text: &str) -> Result<Glob, globset::Error> {
    GlobBuilder::new(text).literal_separator(true).backslash_escape(true).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_touched(paths: &[&str], changed: &[&str]) -> bool {
        let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        for path in paths {
            check(path).unwrap();
        }
        touched(&owned(paths), &owned(changed))
    }

    #[test]
    fn the_last_glob_that_matches_a_file_decides() {
        for (paths, changed, expected) in [
            (&[] as &[&str], &[] as &[&str], true),
            (&[], &["docs/a.md"], true),
            (&["web/**"], &[], false),
            (&["web/**"], &["web/src/a.rs"], true),
            (&["web/**"], &["website/a.rs", "api/web/a.rs"], false),
            (&["web"], &["web/src/a.rs"], true),
            (&["web"], &["web.md", "api/web/a.rs"], false),
            (&["web/"], &["web/a"], true),
            (&["web/"], &["web"], false),
            (&["Dockerfile"], &["Dockerfile"], true),
            (&["web/*"], &["web/a/b"], false),
            (&["**/*.rs"], &["a.rs"], true),
            (&["**/*.rs"], &["web/src/a.rs"], true),
            (&["web/**", "!**/*.md"], &["web/README.md"], false),
            (&["web/**", "!**/*.md"], &["web/README.md", "web/a.rs"], true),
            (&["web/**", "!**/*.md", "web/page.md"], &["web/page.md"], true),
            (&["!docs", "!**/*.md"], &["docs/a.png", "README.md"], false),
            (&["!docs"], &["docs/a.png", "src/a.rs"], true),
            (&["{web,api}/**"], &["api/a.rs"], true),
        ] {
            assert_eq!(is_touched(paths, changed), expected, "{paths:?} {changed:?}");
        }
    }

    #[test]
    fn a_change_of_many_files_is_looked_at_whole() {
        let mut changed: Vec<String> = (0..468).map(|n| format!("docs/{n}.md")).collect();
        let paths = ["web/**".to_owned()];
        assert!(!touched(&paths, &changed));
        changed.push("web/a.rs".into());
        assert!(touched(&paths, &changed));
    }

    #[test]
    fn globs_that_can_match_no_file_are_refused() {
        for (bad, expected) in [
            ("", "is empty"),
            ("!", "is empty"),
            ("/", "is empty"),
            ("/web", "begin at the repository's root"),
            ("./web", "begin at the repository's root"),
            ("!../web", "begin at the repository's root"),
            ("web/[a", "is no glob: "),
            ("web/{a", "is no glob: "),
            (&*"x".repeat(257), "has 257 bytes"),
        ] {
            let error = check(bad).unwrap_err();
            assert!(error.contains(expected), "{bad}: {error}");
        }
        let unchecked = ["[".to_owned()];
        assert!(touched(&unchecked, &["a".to_owned()]), "a change is not missed");
    }
}
