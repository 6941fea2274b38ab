//! Version of a commit, for tools that would ask git: a build has no `.git`.
//!
//! A Dockerfile declares `ARG WINDLASS_COMMIT` or `ARG WINDLASS_VERSION`. A recipe's environment
//! names them as `${WINDLASS_COMMIT}` and `${WINDLASS_VERSION}`.

use crate::job::Commit;

/// The argument that holds a commit's id.
pub const COMMIT: &str = "WINDLASS_COMMIT";
/// The argument that holds a commit's version.
pub const VERSION: &str = "WINDLASS_VERSION";

/// Suffixes that may follow the numbers of a version (PEP 440), longer ones first.
const SUFFIXES: [&str; 12] =
    ["preview", "alpha", "beta", "post", "pre", "dev", "rev", "rc", "a", "b", "c", "r"];

/// A version that both Python (PEP 440) and SemVer read, and its origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// The version: `1.2.3`, or `0.0.0+g` and the beginning of the commit's id.
    pub text: String,
    /// The version's source and the rule that found it.
    pub evidence: String,
}

/// Finds the version of a commit. `tags` lead to the commit; `requested` is the version that the user
/// sets.
#[must_use]
pub fn of(commit: &Commit, tags: &[String], requested: Option<&String>) -> Version {
    if let Some(text) = requested {
        let evidence = format!("build.arguments: {VERSION}");
        return Version { text: text.clone(), evidence };
    }
    let asked = commit.revision.strip_prefix("refs/tags/").unwrap_or(&commit.revision);
    let tagged = tags.iter().filter_map(|tag| Some((tag, version(tag)?)));
    // The tag that was asked for, or else the newest.
    match tagged.max_by_key(|(tag, version)| (*tag == asked, order(version))) {
        Some((tag, text)) => {
            Version { text, evidence: format!("tag {tag}: it leads to this commit") }
        }
        None => {
            let id: String = commit.id.chars().take(12).collect();
            let evidence = format!(
                "no tag that is a version leads to this commit; `--build-arg {VERSION}=…` says another"
            );
            Version { text: format!("0.0.0+g{id}"), evidence }
        }
    }
}

/// Reads the version of a tag's name: `v1.2.3`, `shop-1.2`, `release/2.0.0-rc.1`.
fn version(tag: &str) -> Option<String> {
    let name = tag.rsplit('/').next()?;
    let begins = |at: &usize| {
        let before = name.get(..*at).unwrap_or_default();
        let before = before.strip_suffix(['v', 'V']).unwrap_or(before);
        before.is_empty() || before.ends_with(['-', '_'])
    };
    let digits = name.char_indices().filter(|(_, c)| c.is_ascii_digit()).map(|(at, _)| at);
    let text = name.get(digits.into_iter().find(begins)?..)?.split('+').next()?;
    let text = text.to_ascii_lowercase();
    let numbers = numbers(&text);
    let is_release = numbers.split('.').all(|number| !number.is_empty() && number.len() < 10);
    (is_release && is_suffix(text.strip_prefix(numbers)?)).then_some(text)
}

/// Returns the numbers at the start of a version: `1.2.3` of `1.2.3.post1`.
fn numbers(version: &str) -> &str {
    let end = version.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(version.len());
    version.get(..end).unwrap_or_default().trim_end_matches('.')
}

fn is_suffix(mut text: &str) -> bool {
    while !text.is_empty() {
        let word = text.strip_prefix(['.', '-', '_']).unwrap_or(text);
        let Some(rest) = SUFFIXES.iter().find_map(|suffix| word.strip_prefix(*suffix)) else {
            return false;
        };
        let number = rest.strip_prefix(['.', '-', '_']).unwrap_or(rest);
        let after = number.trim_start_matches(|c: char| c.is_ascii_digit());
        text = if after.len() < number.len() { after } else { rest };
    }
    true
}

/// Orders versions: by their numbers, a final one after its candidates.
fn order(version: &str) -> (Vec<u64>, bool) {
    let numbers = numbers(version);
    let parsed = numbers.split('.').map(|number| number.parse().unwrap_or_default()).collect();
    (parsed, numbers.len() == version.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(revision: &str) -> Commit {
        Commit {
            repository: "https://git.example/web".into(),
            id: "0123456789012345678901234567890123456789".into(),
            branch: String::new(),
            directory: ".".into(),
            credential: None,
            revision: revision.into(),
        }
    }

    fn of_tags(revision: &str, tags: &[&str]) -> String {
        let tags: Vec<String> = tags.iter().map(ToString::to_string).collect();
        of(&commit(revision), &tags, None).text
    }

    #[test]
    fn names_of_tags_are_read_as_versions() {
        for (tag, expected) in [
            ("v1.2.3", Some("1.2.3")),
            ("1.2", Some("1.2")),
            ("V2", Some("2")),
            ("shop-1.2.3", Some("1.2.3")),
            ("log4j-1.2", Some("1.2")),
            ("release/v2.0.0-rc.1", Some("2.0.0-rc.1")),
            ("1.0RC1", Some("1.0rc1")),
            ("1.0.post1.dev2", Some("1.0.post1.dev2")),
            ("v1.2.3+build.5", Some("1.2.3")),
            ("1.0-beta", Some("1.0-beta")),
            ("20260105", Some("20260105")),
            ("2026-01-05", None),
            ("v1..2", None),
            ("v1.2-nightly", None),
            ("stable", None),
            ("log4j", None),
            ("v12345678901234567890", None),
        ] {
            assert_eq!(version(tag).as_deref(), expected, "{tag}");
        }
    }

    #[test]
    fn the_tag_that_was_asked_for_goes_first_then_the_newest() {
        assert_eq!(of_tags("main", &["v1.9.0", "v1.10.0", "v1.10.0-rc.2", "latest"]), "1.10.0");
        assert_eq!(of_tags("v1.9.0", &["v1.9.0", "v1.10.0"]), "1.9.0");
        assert_eq!(of_tags("refs/tags/v1.9.0", &["v1.9.0", "v1.10.0"]), "1.9.0");
        assert_eq!(of_tags("", &["latest"]), "0.0.0+g012345678901");
        let own = of(&commit("main"), &["v1.0".into()], Some(&"7.0".into()));
        assert_eq!(own.text, "7.0");
        assert!(of(&commit("main"), &[], None).evidence.contains("WINDLASS_VERSION"));
    }
}
