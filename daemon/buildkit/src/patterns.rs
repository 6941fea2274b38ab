//! Patterns of `.dockerignore`, as moby/patternmatcher reads them: `**`, `!`, and a pattern that
//! matches a folder matches all that is in it.

use regex::Regex;

/// Patterns in order; the last that matches decides.
#[derive(Debug, Default)]
pub(crate) struct Patterns(Vec<(bool, Regex)>);

impl Patterns {
    /// What cannot be read as a pattern matches nothing, as in moby.
    pub(crate) fn new(patterns: &[String]) -> Self {
        let read = |pattern: &String| {
            let pattern = pattern.trim();
            let (negated, pattern) =
                pattern.strip_prefix('!').map_or((false, pattern), |rest| (true, rest.trim()));
            let clean = clean(pattern);
            (!clean.is_empty()).then(|| to_regex(&clean)).flatten().map(|regex| (negated, regex))
        };
        Self(patterns.iter().filter_map(read).collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `path`, or a folder above it, matches.
    pub(crate) fn matches(&self, path: &str) -> bool {
        let mut matched = false;
        for (negated, regex) in &self.0 {
            if matched == *negated && prefixes(path).any(|prefix| regex.is_match(prefix)) {
                matched = !negated;
            }
        }
        matched
    }
}

/// `a`, `a/b`, `a/b/c` of `a/b/c`.
fn prefixes(path: &str) -> impl Iterator<Item = &str> {
    let cuts = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
    cuts.filter_map(|at| path.get(..at))
}

/// As Go's `filepath.Clean`, without a leading slash.
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

fn to_regex(pattern: &str) -> Option<Regex> {
    let mut text = String::from("^");
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '*' if chars.peek() == Some(&'*') => {
                chars.next();
                if chars.peek() == Some(&'/') {
                    chars.next();
                    text.push_str("(.*/)?");
                } else {
                    text.push_str(".*");
                }
            }
            '*' => text.push_str("[^/]*"),
            '?' => text.push_str("[^/]"),
            '\\' => text.push_str(&regex::escape(&chars.next()?.to_string())),
            '[' | ']' => text.push(c),
            c => text.push_str(&regex::escape(&c.to_string())),
        }
    }
    text.push('$');
    Regex::new(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

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
            (&["/node_modules/"], "node_modules", true),
            (&["node_modules"], "src/node_modules", false),
            (&["[ab].txt"], "a.txt", true),
            (&[".git"], ".gitignore", false),
        ];
        for (patterns, path, ignored) in cases {
            let patterns: Vec<_> = patterns.iter().map(|p| (*p).to_owned()).collect();
            assert_eq!(Patterns::new(&patterns).matches(path), *ignored, "{patterns:?} {path}");
        }
    }
}
