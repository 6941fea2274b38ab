//! Triggers that a ref that moved concerns.

use super::{TriggerSpec, glob::Glob};
use crate::delivery::RefMove;
use semver::Version;
use std::{cmp::Ordering, fmt};

/// Marks by which an author wishes that nothing is deployed, in lower case.
const SKIP_MARKS: [&str; 7] = [
    "[skip ci]",
    "[ci skip]",
    "[no ci]",
    "[skip actions]",
    "[actions skip]",
    "[skip deploy]",
    "[skip windlass]",
];

/// Environment of a trigger that names none.
const PRODUCTION: &str = "production";

/// The reason why a trigger does not deploy a ref that moved. It prints as a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// The ref was deleted.
    Deleted { name: String },
    /// The trigger waits for another kind of ref.
    Kind {
        /// Full name of the ref.
        name: String,
        /// Refs that the trigger waits for: `branches`, `tags`.
        expected: &'static str,
    },
    /// No glob matches the branch.
    Branch { branch: String, globs: Vec<String> },
    /// The glob does not match the tag.
    Tag { tag: String, glob: String },
    /// The pull request is a draft.
    Draft,
    /// The author wishes by a mark that nothing is deployed.
    SkipMark { mark: &'static str },
    /// The author wishes by a trailer that nothing is deployed.
    SkipTrailer,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deleted { name } => write!(f, "`{name}` was deleted"),
            Self::Kind { name, expected } => {
                write!(f, "`{name}` is none of the {expected} that the trigger waits for")
            }
            Self::Branch { branch, globs } => {
                write!(f, "the branch `{branch}` does not match `{}`", globs.join("` or `"))
            }
            Self::Tag { tag, glob } => write!(f, "the tag `{tag}` does not match `{glob}`"),
            Self::Draft => f.write_str("the pull request is a draft, and `drafts` is off"),
            Self::SkipMark { mark } => {
                write!(f, "the first line of the newest commit's message holds `{mark}`")
            }
            Self::SkipTrailer => {
                f.write_str("the newest commit's message ends with the trailer `skip-checks: true`")
            }
        }
    }
}

impl TriggerSpec {
    /// Returns the environment that is deployed to.
    #[must_use]
    pub fn environment(&self) -> &str {
        self.environment.as_deref().unwrap_or(PRODUCTION)
    }
}

/// Decides whether a trigger deploys a ref that moved, as far as the ref and its newest commit say. Paths, versions and
/// what was deployed before are not looked at.
///
/// # Errors
/// [`Mismatch`] with the reason why the trigger does not deploy the ref.
pub fn matches(trigger: &TriggerSpec, moved: &RefMove) -> Result<(), Mismatch> {
    let name = || moved.name.clone();
    if moved.after.is_none() {
        return Err(Mismatch::Deleted { name: name() });
    }
    match (&trigger.push, &trigger.tag) {
        (Some(rule), _) => {
            let branch = moved.branch();
            let branch =
                branch.ok_or_else(|| Mismatch::Kind { name: name(), expected: "branches" })?;
            if !rule.branches.iter().any(|glob| is_match(glob, branch)) {
                let globs = rule.branches.clone();
                return Err(Mismatch::Branch { branch: branch.into(), globs });
            }
        }
        (None, Some(rule)) => {
            let tag = moved.tag();
            let tag = tag.ok_or_else(|| Mismatch::Kind { name: name(), expected: "tags" })?;
            if !is_match(&rule.pattern, tag) {
                return Err(Mismatch::Tag { tag: tag.into(), glob: rule.pattern.clone() });
            }
        }
        (None, None) => {
            return Err(Mismatch::Kind { name: name(), expected: "pull requests" });
        }
    }
    if trigger.skip_marks != Some(true) {
        return Ok(());
    }
    match skip_mark(&moved.summary) {
        Some(mark) => Err(Mismatch::SkipMark { mark }),
        None if moved.skips_checks => Err(Mismatch::SkipTrailer),
        None => Ok(()),
    }
}

/// Names of the refs that a trigger waits for, read once for many refs. Marks in messages are not looked at.
pub struct Waited {
    prefix: &'static str,
    globs: Vec<Glob>,
}

impl Waited {
    /// Reads the globs of a trigger. One that was never checked matches nothing.
    #[must_use]
    pub fn of(trigger: &TriggerSpec) -> Self {
        let (prefix, texts) = match (&trigger.push, &trigger.tag) {
            (Some(rule), _) => ("refs/heads/", &*rule.branches),
            (None, Some(rule)) => ("refs/tags/", std::slice::from_ref(&rule.pattern)),
            (None, None) => ("", &[][..]),
        };
        let globs = texts.iter().filter_map(|text| Glob::parse(text).ok()).collect();
        Self { prefix, globs }
    }

    /// Returns whether the trigger waits for a ref, by its full name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        let short = name.strip_prefix(self.prefix);
        short.is_some_and(|short| self.globs.iter().any(|glob| glob.matches(short)))
    }
}

/// Returns whether a tag is a higher version than all that are given. A leading `v` is no part of a version, and
/// neither is what follows a `+`. Those of `than` that are no versions do not count. `None` means that the tag is no
/// version.
#[must_use]
pub fn is_newer(tag: &str, than: &[&str]) -> Option<bool> {
    let own = version(tag)?;
    let mut others = than.iter().filter_map(|other| version(other));
    Some(others.all(|other| own.cmp_precedence(&other) == Ordering::Greater))
}

fn version(tag: &str) -> Option<Version> {
    Version::parse(tag.strip_prefix(['v', 'V']).unwrap_or(tag)).ok()
}

/// Returns whether a glob of a checked project matches a name. One that was never checked matches nothing.
pub(super) fn is_match(glob: &str, name: &str) -> bool {
    Glob::parse(glob).is_ok_and(|glob| glob.matches(name))
}

/// Returns the mark in the first line of a message. Those below are of commits that were squashed into this one.
fn skip_mark(message: &str) -> Option<&'static str> {
    let first = message.lines().next()?.to_lowercase();
    SKIP_MARKS.into_iter().find(|mark| first.contains(*mark))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::{PushRule, TagRule};

    fn moved(name: &str, summary: &str) -> RefMove {
        RefMove {
            name: name.into(),
            before: None,
            after: Some("1".repeat(40)),
            summary: summary.into(),
            skips_checks: false,
        }
    }

    fn push(branches: &[&str]) -> TriggerSpec {
        let branches = branches.iter().map(|glob| (*glob).to_owned()).collect();
        TriggerSpec { push: Some(PushRule { branches }), ..TriggerSpec::default() }
    }

    fn tag(pattern: &str) -> TriggerSpec {
        let rule = TagRule { pattern: pattern.into(), only_newer: None };
        TriggerSpec { tag: Some(rule), ..TriggerSpec::default() }
    }

    #[test]
    fn a_ref_deploys_or_the_reason_is_a_sentence() {
        for (trigger, name, expected) in [
            (push(&["main"]), "refs/heads/main", ""),
            (push(&["main", "release/*"]), "refs/heads/release/1", ""),
            (
                push(&["main", "release/*"]),
                "refs/heads/release/1/2",
                "the branch `release/1/2` does not match `main` or `release/*`",
            ),
            (
                push(&["main"]),
                "refs/tags/main",
                "`refs/tags/main` is none of the branches that the trigger waits for",
            ),
            (tag("v*"), "refs/tags/v1", ""),
            (tag("v*"), "refs/tags/1", "the tag `1` does not match `v*`"),
            (
                tag("v*"),
                "refs/heads/v1",
                "`refs/heads/v1` is none of the tags that the trigger waits for",
            ),
            (
                push(&["**"]),
                "refs/notes/commits",
                "`refs/notes/commits` is none of the branches that the trigger waits for",
            ),
        ] {
            let outcome = matches(&trigger, &moved(name, ""));
            let reason = outcome.map_err(|mismatch| mismatch.to_string()).err().unwrap_or_default();
            assert_eq!(reason, expected, "{name}");
            assert_eq!(Waited::of(&trigger).has(name), expected.is_empty(), "{name}");
        }
        let deleted = RefMove { after: None, ..moved("refs/heads/main", "") };
        let reason = matches(&push(&["main"]), &deleted).unwrap_err();
        assert_eq!(reason.to_string(), "`refs/heads/main` was deleted");
    }

    /// A pull request that merely mentions a mark becomes the body of the squashed commit.
    #[test]
    fn a_skip_mark_counts_in_the_first_line_and_where_the_trigger_asks() {
        let asks = TriggerSpec { skip_marks: Some(true), ..push(&["main"]) };
        let skips = |trigger: &TriggerSpec, summary: &str| {
            matches(trigger, &moved("refs/heads/main", summary)).is_err()
        };
        for summary in [
            "fix [skip ci]",
            "[Skip CI] fix",
            "a [ci skip] b",
            "[NO CI]",
            "[skip actions] fix",
            "fix [Actions Skip]",
            "[skip deploy]",
            "fix [skip windlass]",
        ] {
            assert!(skips(&asks, summary), "{summary}");
            assert!(!skips(&push(&["main"]), summary), "{summary}");
        }
        for summary in ["", "fix\n\n[skip ci]", "skip ci", "[skip  ci]", "[windlass skip]"] {
            assert!(!skips(&asks, summary), "{summary}");
        }
    }

    #[test]
    fn a_trailer_counts_where_the_trigger_asks() {
        let asks = TriggerSpec { skip_marks: Some(true), ..push(&["main"]) };
        let marked = RefMove { skips_checks: true, ..moved("refs/heads/main", "fix") };
        let reason = matches(&asks, &marked).unwrap_err();
        assert_eq!(reason, Mismatch::SkipTrailer);
        let sentence = "the newest commit's message ends with the trailer `skip-checks: true`";
        assert_eq!(reason.to_string(), sentence);
        assert!(matches(&push(&["main"]), &marked).is_ok());
        let both = RefMove { summary: "[no ci]".into(), ..marked };
        assert_eq!(matches(&asks, &both), Err(Mismatch::SkipMark { mark: "[no ci]" }));
    }

    #[test]
    fn a_newer_version_is_higher_than_all_before() {
        for (tag, than, expected) in [
            ("v1.2.3", &[] as &[&str], Some(true)),
            ("v1.10.0", &["v1.9.0", "1.2.3"], Some(true)),
            ("1.2.3", &["v1.2.3"], Some(false)),
            ("v1.2.3", &["v1.2.4"], Some(false)),
            ("v2.0.0-rc.1", &["v1.9.9"], Some(true)),
            ("v2.0.0-rc.1", &["v2.0.0"], Some(false)),
            ("v2.0.0+b2", &["v2.0.0+b1"], Some(false)),
            ("v1.2.3", &["latest", "v1"], Some(true)),
            ("v1.2", &["v1.1.0"], None),
            ("latest", &[], None),
            ("", &[], None),
        ] {
            assert_eq!(is_newer(tag, than), expected, "{tag}");
        }
    }
}
