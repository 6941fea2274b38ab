//! Patterns of files, read as the host reads them: `*` and `?` stay within a folder, `**` crosses folders, `{a,b}`
//! is either.

/// Alternatives that a pattern may have. More are not read.
const MOST: usize = 64;

/// Returns whether a path matches a pattern.
pub(super) fn matches(pattern: &str, path: &str) -> bool {
    let path: Vec<&str> = path.split('/').collect();
    alternatives(pattern).iter().any(|pattern| {
        let pattern: Vec<&str> = pattern.split('/').collect();
        folders(&pattern, &path)
    })
}

/// Returns a pattern without braces for each way through its braces.
fn alternatives(pattern: &str) -> Vec<String> {
    let mut open = vec![pattern.to_owned()];
    let mut closed = Vec::new();
    while let Some(next) = open.pop() {
        let parts = next.split_once('{').and_then(|(before, rest)| {
            let (inside, after) = rest.split_once('}')?;
            Some((before.to_owned(), inside.to_owned(), after.to_owned()))
        });
        match parts {
            Some((before, inside, after)) if open.len() + closed.len() < MOST => {
                open.extend(inside.split(',').map(|choice| format!("{before}{choice}{after}")));
            }
            _ => closed.push(next),
        }
    }
    closed
}

/// Matches by folders, with one step back for the last `**`: time is the product of both lengths.
fn folders(pattern: &[&str], path: &[&str]) -> bool {
    let (mut at, mut of) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while let Some(name) = path.get(of) {
        match pattern.get(at) {
            // As the last part it stands for at least one name.
            Some(&"**") => {
                back = Some((at, of));
                at += 1;
                if at == pattern.len() {
                    return true;
                }
                continue;
            }
            Some(part) if within(part.as_bytes(), name.as_bytes()) => {
                at += 1;
                of += 1;
                continue;
            }
            _ => {}
        }
        let Some((star, from)) = back else { return false };
        back = Some((star, from + 1));
        (at, of) = (star + 1, from + 1);
    }
    at == pattern.len()
}

/// Matches one name, with one step back for the last `*`.
fn within(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut of) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while let Some(byte) = name.get(of) {
        match pattern.get(at) {
            Some(b'*') => {
                back = Some((at, of));
                at += 1;
                continue;
            }
            // A character beyond ASCII has several bytes; the rest of it is taken as well.
            Some(b'?') => {
                at += 1;
                of += 1;
                while name.get(of).is_some_and(|byte| byte & 0xc0 == 0x80) {
                    of += 1;
                }
                continue;
            }
            Some(wanted) if wanted == byte => {
                at += 1;
                of += 1;
                continue;
            }
            _ => {}
        }
        let Some((star, from)) = back else { return false };
        back = Some((star, from + 1));
        (at, of) = (star + 1, from + 1);
    }
    pattern.get(at..).unwrap_or_default().iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_match_as_in_the_host() {
        for (pattern, path, expected) in [
            ("package.json", "package.json", true),
            ("package.json", "a/package.json", false),
            ("*.go", "main.go", true),
            ("*.go", "cmd/main.go", false),
            ("**/*.go", "main.go", true),
            ("**/*.go", "a/b/main.go", true),
            ("cmd/*/main.go", "cmd/shop/main.go", true),
            ("cmd/*/main.go", "cmd/a/b/main.go", false),
            ("src/**", "src/a/b", true),
            ("src/**", "src", false),
            ("**", "a/b", true),
            ("a/**/z/*", "a/b/z/c/z/d", true),
            ("a?c", "aéc", true),
            ("{go.mod,go.work}", "go.work", true),
            ("*.{ts,js}", "a.js", true),
            ("*.{ts,js}", "a.rs", false),
            ("{a,{b", "{a,{b", true),
            ("a*b*c", "aXbXbXc", true),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn a_pattern_of_many_stars_or_braces_ends() {
        assert!(!matches(&"*a".repeat(200), &format!("{}b", "a".repeat(10_000))));
        assert!(!matches(&"**/a/".repeat(50), &format!("{}b", "a/".repeat(500))));
        assert!(!matches(&"{a,b}".repeat(20), "c"));
    }
}
