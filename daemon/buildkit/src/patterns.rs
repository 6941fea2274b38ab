//! Patterns of `.dockerignore`, matched as moby/patternmatcher 0.6 does.
//!
//! That library turns a pattern that is no plain text into an expression of Go's `regexp`, character by
//! character and without regard to brackets. A pattern means what that expression means. The builder cuts the
//! file into lines and checks them with the library before we receive them.

mod index;

use crate::go_regex;
use index::{Index, Shape};
use thiserror::Error;

/// Most patterns in a list. Each takes memory and time.
const MOST: usize = 50_000;

/// Error for a pattern that cannot be read.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("the pattern `{pattern}` cannot be read: {problem}")]
pub struct BadPattern {
    pattern: String,
    problem: String,
}

/// Patterns in order. The last that matches decides.
#[derive(Debug, Default)]
pub struct Patterns {
    /// For each pattern, whether it begins with `!`.
    negated: Vec<bool>,
    index: Index,
}

/// Patterns that matched a folder, by their places in ascending order. They also match all that is in the folder.
#[derive(Debug, Default)]
pub struct Matched(Vec<usize>);

impl Patterns {
    /// Reads patterns, without the empty ones. The error names the first that cannot be read.
    pub fn new(patterns: &[String]) -> Result<Self, BadPattern> {
        let patterns = patterns.iter().map(|pattern| pattern.trim());
        let patterns: Vec<_> = patterns.filter(|pattern| !pattern.is_empty()).collect();
        if let Some(pattern) = patterns.get(MOST) {
            let problem = format!("it is one of {}, expected at most {MOST}", patterns.len());
            return Err(BadPattern { pattern: (*pattern).to_owned(), problem });
        }
        let mut negated = Vec::with_capacity(patterns.len());
        let mut shapes = Vec::with_capacity(patterns.len());
        for pattern in &patterns {
            let (is_negated, shape) = read(pattern)?;
            negated.push(is_negated);
            shapes.push(shape);
        }
        let index = Index::new(shapes).map_err(|(at, problem)| {
            let pattern = patterns.get(at).copied().unwrap_or_default().to_owned();
            BadPattern { pattern, problem }
        })?;
        Ok(Self { negated, index })
    }

    /// Returns whether there is no pattern.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.negated.is_empty()
    }

    /// Returns the number of patterns.
    #[must_use]
    pub fn len(&self) -> usize {
        self.negated.len()
    }

    /// Returns whether a path matches, and the `folder` argument for the entries below it.
    ///
    /// `folder` is the result for the folder that the path is in. `None` means that it is in the root.
    #[must_use]
    pub fn matches(&self, path: &str, folder: Option<&Matched>) -> (bool, Matched) {
        let inherited = folder.map(|folder| folder.0.as_slice()).unwrap_or_default();
        let mut found = self.index.find(path);
        found.extend(inherited);
        found.sort_unstable();
        found.dedup();
        let mut matched = false;
        found.retain(|at| {
            let negated = self.negated.get(*at).copied().unwrap_or_default();
            // A pattern that could change nothing is not tried: it does not count as matched.
            let hit = inherited.binary_search(at).is_ok() || negated == matched;
            if hit {
                matched = !negated;
            }
            hit
        });
        (matched, Matched(found))
    }
}

/// Reads one pattern: whether it begins with `!`, and its shape.
fn read(pattern: &str) -> Result<(bool, Shape), BadPattern> {
    let bad = |problem: String| BadPattern { pattern: pattern.to_owned(), problem };
    let clean = go_clean(pattern);
    let (negated, text) = match clean.strip_prefix('!') {
        Some("") => return Err(bad("nothing follows the `!`".into())),
        Some(text) => (true, text),
        None => (false, &*clean),
    };
    Ok((negated, Shape::new(text).map_err(bad)?))
}

impl Shape {
    fn new(pattern: &str) -> Result<Self, String> {
        enum Kind {
            Exact,
            Prefix,
            Suffix,
            Regex,
        }
        let mut go = String::from("^");
        let mut kind = Kind::Exact;
        let mut chars = pattern.chars().peekable();
        let mut first = true;
        while let Some(c) = chars.next() {
            match c {
                '*' if chars.next_if_eq(&'*').is_some() => {
                    let _ = chars.next_if_eq(&'/');
                    let is_last = chars.peek().is_none();
                    if !is_last {
                        go.push_str("(.*/)?");
                    } else if !matches!(kind, Kind::Exact) {
                        go.push_str(".*");
                    }
                    kind = match kind {
                        _ if first => Kind::Suffix,
                        Kind::Exact if is_last => Kind::Prefix,
                        _ => Kind::Regex,
                    };
                }
                '*' => {
                    go.push_str("[^/]*");
                    kind = Kind::Regex;
                }
                '?' => {
                    go.push_str("[^/]");
                    kind = Kind::Regex;
                }
                '\\' => {
                    go.push('\\');
                    if let Some(next) = chars.next() {
                        go.push(next);
                        kind = Kind::Regex;
                    }
                }
                '[' | ']' => {
                    go.push(c);
                    kind = Kind::Regex;
                }
                // The library's list has `|`, `{` and `}`, too. Its table of eight bytes has no place for them.
                '.' | '+' | '(' | ')' | '$' => go.extend(['\\', c]),
                c => go.push(c),
            }
            first = false;
        }
        Ok(match kind {
            Kind::Exact => Self::Exact(pattern.into()),
            Kind::Prefix => Self::Prefix(pattern.strip_suffix("**").unwrap_or(pattern).into()),
            Kind::Suffix => Self::Suffix(pattern.strip_prefix("**").unwrap_or(pattern).into()),
            Kind::Regex => {
                go.push('$');
                Self::Regex(go_regex::rewrite(&go)?)
            }
        })
    }
}

/// Cleans a path within a context: without a leading slash, and never leading out.
pub(crate) fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Cleans a path as Go's `filepath.Clean` does.
fn go_clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match (part, parts.last().copied()) {
            ("" | ".", _) => {}
            ("..", Some(last)) if last != ".." => {
                parts.pop();
            }
            ("..", None) if rooted => {}
            _ => parts.push(part),
        }
    }
    match (rooted, &*parts.join("/")) {
        (true, rest) => format!("/{rest}"),
        (false, "") => ".".into(),
        (false, rest) => rest.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(patterns: &[&str]) -> Patterns {
        let patterns: Vec<_> = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
        Patterns::new(&patterns).unwrap()
    }

    /// Matches as a walk does: the folders first.
    fn ignored(list: &[&str], path: &str) -> bool {
        let patterns = patterns(list);
        let cuts = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        let mut last: Option<(bool, Matched)> = None;
        for at in cuts {
            let above = last.take();
            last = Some(patterns.matches(&path[..at], above.as_ref().map(|(_, matched)| matched)));
        }
        last.is_some_and(|(matched, _)| matched)
    }

    #[test]
    fn reads_as_docker_does() {
        // Pattern list, path, whether it is ignored; from the Dockerfile reference.
        let cases: &[(&[&str], &str, bool)] = &[
            (&["*/temp*"], "somedir/temporary.txt", true),
            (&["*/temp*"], "somedir/temp/deep", true),
            (&["*/*/temp*"], "somedir/subdir/temporary.txt", true),
            (&["temp?"], "tempa", true),
            (&["temp?"], "temp", false),
            (&["**/*.go"], "a/b/c.go", true),
            (&["**/*.go"], "c.go", true),
            (&["*.md", "!README.md"], "README.md", false),
            (&["*.md", "!README.md"], "other.md", true),
            (&["*.md", "!README*.md", "README-secret.md"], "README-secret.md", true),
            (&["node_modules"], "node_modules/a/b.js", true),
            (&["node_modules/"], "node_modules", true),
            (&["./node_modules"], "node_modules", true),
            (&["node_modules"], "src/node_modules", false),
            (&["[ab].txt"], "a.txt", true),
            (&[".git"], ".gitignore", false),
            (&["  spaced  "], "spaced", true),
        ];
        for (list, path, expected) in cases {
            assert_eq!(ignored(list, path), *expected, "{list:?} {path}");
        }
    }

    #[test]
    fn ranges_and_negation_in_brackets() {
        for (pattern, path, expected) in [
            ("dump-[0-9].sql", "dump-7.sql", true),
            ("dump-[0-9].sql", "dump-x.sql", false),
            ("dump-[0-9].sql", "dump--.sql", false),
            (".env.[a-z]*", ".env.local", true),
            (".env.[a-z]*", ".env.7", false),
            ("logs/[^k]*", "logs/app.log", true),
            ("logs/[^k]*", "logs/keep.txt", false),
            ("[a-ζ]*", "α", true),
            ("[\\]x]", "]", true),
            ("[\\-x]", "-", true),
            ("[[:digit:]].txt", "7.txt", true),
            // A star in brackets becomes an expression, which they then hold.
            ("[*]", "*", false),
            ("[*]", "[]", true),
        ] {
            assert_eq!(ignored(&[pattern], path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn two_stars() {
        for (pattern, path, expected) in [
            ("**", "any/thing", true),
            ("**.md", "README.md", true),
            ("**.md", "docs/guide.md", true),
            ("**file", "a/some-file", true),
            ("**/dir", "dir", true),
            ("**/dir", "a/dir/b", true),
            ("**/dir", "a/redir", false),
            ("dir/**", "dir", false),
            ("dir/**", "dir/a/b", true),
            ("a**", "a/b", true),
            ("a**/x", "a/b/x", true),
            ("**/**", "a/b", true),
            ("a/**/b*", "a/x/y/b1", true),
            ("a/**/b*", "a/b1", true),
        ] {
            assert_eq!(ignored(&[pattern], path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn other_characters_are_what_go_makes_of_them() {
        for (pattern, path, expected) in [
            ("a.c", "abc", false),
            ("a+(b)$c*", "a+(b)$c1", true),
            ("a\\*c", "a*c", true),
            ("a\\*c", "abc", false),
            ("*.{js,ts}", "a.{js,ts}", true),
            ("*.{js,ts}", "a.js", false),
            ("a{2}?", "aab", true),
            ("a|b*", "ax", true),
            ("a\\d", "a7", true),
            ("src\\bin", "src/bin", false),
            ("a^b*", "a^b", false),
        ] {
            assert_eq!(ignored(&[pattern], path), expected, "{pattern} {path}");
        }
        assert!(ignored(&["a|b"], "a|b"), "without a wildcard it is plain text");
    }

    /// A negation that changed nothing for a folder does not count for its content.
    #[test]
    fn what_is_in_a_folder_inherits_what_matched_the_folder() {
        assert!(ignored(&["x/y", "!x"], "x/y"));
        assert!(!ignored(&["x", "!x/y"], "x/y/z"));
        assert!(ignored(&["x", "!x/y"], "x/z"));
        assert!(ignored(&["*", "!src", "src/*.key"], "src/a.key"));
        assert!(!ignored(&["*", "!src", "src/*.key"], "src/deep/a.key"));
    }

    #[test]
    fn what_cannot_be_read_is_refused_by_name() {
        for (pattern, problem) in [
            ("!", "nothing follows the `!`"),
            ("[z-a]x", "the range `z-a`"),
            ("a[", "is not closed"),
            ("a\\x41", "`\\x` stands for no character"),
            ("?{1000}", "size limit"),
        ] {
            let error = Patterns::new(&["fine".into(), pattern.into()]).unwrap_err().to_string();
            assert!(error.contains(&format!("`{pattern}`")) && error.contains(problem), "{error}");
        }
    }

    /// Each of the ways to look patterns up finds all of them, and their order decides.
    #[test]
    fn many_patterns_of_all_shapes() {
        let mut list: Vec<String> = Vec::new();
        for n in 0..1_000 {
            list.extend([
                format!("exact{n}"),
                format!("prefix{n}/**"),
                format!("**/suffix{n}"),
                format!("reg{n}-*.x"),
                format!("!reg{n}-keep.x"),
            ]);
        }
        let patterns = Patterns::new(&list).unwrap();
        let matches = |path: &str| patterns.matches(path, None).0;
        for n in [0, 1, 500, 999] {
            assert!(matches(&format!("exact{n}")) && matches(&format!("prefix{n}/a/b")), "{n}");
            assert!(matches(&format!("suffix{n}")) && matches(&format!("a/suffix{n}")), "{n}");
            assert!(matches(&format!("reg{n}-a.x")) && !matches(&format!("reg{n}-keep.x")), "{n}");
        }
        for other in ["exact1000", "prefix1", "xsuffix1", "reg1-a.xy", "reg1000-a.x"] {
            assert!(!matches(other), "{other}");
        }
    }

    #[test]
    fn a_list_has_an_end() {
        let list = vec!["a".to_owned(); MOST + 1];
        let error = Patterns::new(&list).unwrap_err().to_string();
        assert!(error.contains("expected at most 50000"), "{error}");
        // Each is small enough by itself.
        let list: Vec<_> = (0..20_000).map(|n| format!("{n}?{{90}}")).collect();
        let error = Patterns::new(&list).unwrap_err().to_string();
        assert!(error.contains("all patterns together"), "{error}");
    }

    #[test]
    fn paths_are_cleaned_as_go_does() {
        for (path, clean) in [
            ("a//b/./c/../d", "a/b/d"),
            ("../a", "../a"),
            ("a/../..", ".."),
            ("/../a/", "/a"),
            ("a/..", "."),
            ("/", "/"),
            ("!a/b/", "!a/b"),
        ] {
            assert_eq!(go_clean(path), clean, "{path}");
        }
    }
}
