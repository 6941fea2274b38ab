//! Patterns of `.dockerignore`, matched as moby/patternmatcher 0.6 does.
//!
//! That library turns a pattern that is no plain text into an expression of Go's `regexp`, character by
//! character and without regard to brackets. A pattern means what that expression means. The builder cuts the
//! file into lines and checks them with the library before we receive them.

use crate::go_regex;
use regex::{Regex, RegexBuilder};
use thiserror::Error;

/// Most bytes that the compiled expression of a pattern takes: some hundred wildcards. `?{1000}` alone takes
/// half a megabyte, and a list has hundreds of patterns.
const LARGEST: usize = 64 << 10;

/// Error for a pattern that cannot be read.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("the pattern `{pattern}` cannot be read: {problem}")]
pub struct BadPattern {
    pattern: String,
    problem: String,
}

/// Patterns in order. The last that matches decides.
#[derive(Debug, Default)]
pub struct Patterns(Vec<Pattern>);

/// Patterns that matched a folder, by index. They also match all that is in the folder.
#[derive(Debug, Default)]
pub struct Matched(Vec<bool>);

#[derive(Debug)]
struct Pattern {
    negated: bool,
    shape: Shape,
}

#[derive(Debug)]
enum Shape {
    Exact(String),
    Prefix(String),
    Suffix(String),
    Regex(Regex),
}

impl Patterns {
    /// Reads patterns, without the empty ones. The error names the first that cannot be read.
    pub fn new(patterns: &[String]) -> Result<Self, BadPattern> {
        let patterns = patterns.iter().map(|pattern| pattern.trim());
        let patterns = patterns.filter(|pattern| !pattern.is_empty()).map(Pattern::new);
        patterns.collect::<Result<_, _>>().map(Self)
    }

    /// Returns whether there is no pattern.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether a path matches, and the `folder` argument for the entries below it.
    ///
    /// `folder` is the result for the folder that the path is in. `None` means that it is in the root.
    #[must_use]
    pub fn matches(&self, path: &str, folder: Option<&Matched>) -> (bool, Matched) {
        let mut matched = false;
        let each = self.0.iter().enumerate().map(|(index, pattern)| {
            let inherited = folder.and_then(|folder| folder.0.get(index)).copied();
            // A pattern that could change nothing is not tried: it does not count as matched.
            let changes = pattern.negated == matched;
            let hit = inherited == Some(true) || (changes && pattern.shape.matches(path));
            if hit {
                matched = !pattern.negated;
            }
            hit
        });
        let each = each.collect();
        (matched, Matched(each))
    }
}

impl Pattern {
    fn new(pattern: &str) -> Result<Self, BadPattern> {
        let bad = |problem: String| BadPattern { pattern: pattern.to_owned(), problem };
        let clean = go_clean(pattern);
        let (negated, text) = match clean.strip_prefix('!') {
            Some("") => return Err(bad("nothing follows the `!`".into())),
            Some(text) => (true, text),
            None => (false, &*clean),
        };
        Ok(Self { negated, shape: Shape::new(text).map_err(bad)? })
    }
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
                let regex = RegexBuilder::new(&go_regex::rewrite(&go)?).size_limit(LARGEST).build();
                Self::Regex(regex.map_err(|error| error.to_string())?)
            }
        })
    }

    fn matches(&self, path: &str) -> bool {
        match self {
            Self::Exact(text) => text == path,
            Self::Prefix(text) => path.starts_with(&**text),
            Self::Suffix(text) => path.ends_with(&**text) || text.strip_prefix('/') == Some(path),
            Self::Regex(regex) => regex.is_match(path),
        }
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
