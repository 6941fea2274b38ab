//! Revisions: names that lead to a commit, by exact rules, among the refs that a server advertises.
//!
//! A full name (`refs/…`) is that ref. Any other name is the branch or the tag of exactly that name;
//! where both are there and lead to different commits, neither is taken. A tag leads to the commit
//! that it was made for, never to the tag object.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The names that an error suggests, at most.
const SUGGESTED: usize = 5;

/// A name that leads to a commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Revision {
    /// The server's default branch.
    Head,
    /// A commit's whole id, in lower case.
    Id(String),
    /// A full name: `refs/heads/main`, `refs/pull/7/head`.
    Full(String),
    /// A branch's or a tag's name.
    Name(String),
}

/// A ref as a server advertises it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advertised {
    /// Full name of the ref. `refs/tags/X^{}` is the commit that the annotated tag X was made for.
    pub name: String,
    /// Id of the object that the ref leads to.
    pub id: String,
    /// Full name of another ref that this one, such as `HEAD`, stands for. `None` means that it stands
    /// for none.
    pub target: Option<String>,
}

/// A commit that a revision leads to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolved {
    /// Id of the commit.
    pub commit: String,
    /// The branch that led to the commit. Empty means that a tag or another ref did.
    pub branch: String,
}

/// The reason why a revision leads to no commit, with a text for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unresolved {
    /// Nothing has this name.
    Missing(String),
    /// A branch and a tag of this name lead to different commits.
    Ambiguous(String),
}

impl Revision {
    /// Reads a revision.
    ///
    /// # Errors
    /// A sentence with the expected form, for a text of another form.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text == "HEAD" {
            return Ok(Self::Head);
        }
        if is_commit_id(text) {
            return Ok(Self::Id(text.to_ascii_lowercase()));
        }
        if !is_ref_name(text) {
            return Err(
                "must be a branch, a tag, a full name such as refs/heads/main, HEAD, or a commit's id of 40 or 64 hex digits; expressions such as `main~1` are not read",
            );
        }
        let text = text.to_owned();
        Ok(if text.starts_with("refs/") { Self::Full(text) } else { Self::Name(text) })
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head => f.write_str("HEAD"),
            Self::Id(text) | Self::Full(text) | Self::Name(text) => f.write_str(text),
        }
    }
}

/// Returns whether a text is a commit's whole id.
#[must_use]
pub fn is_commit_id(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.chars().all(|c| c.is_ascii_hexdigit())
}

/// Returns whether a text can name a ref (git-check-ref-format).
#[must_use]
pub fn is_ref_name(text: &str) -> bool {
    let is_bad = |c: char| c.is_control() || " ~^:?*[\\".contains(c);
    let is_part =
        |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock");
    text.len() <= 255
        && text != "@"
        && !text.contains(is_bad)
        && !text.contains("..")
        && !text.contains("@{")
        && !text.starts_with('-')
        && !text.ends_with('.')
        && text.split('/').all(is_part)
}

/// Finds the commit that `revision` leads to.
///
/// # Errors
/// [`Unresolved`] for a name that no ref has, or that two refs have. Nothing is guessed.
pub fn find(revision: &Revision, refs: &[Advertised]) -> Result<Resolved, Unresolved> {
    let named = |name: &str| refs.iter().find(|own| own.name == name);
    let commit = |name: &str| {
        let peeled = named(&format!("{name}^{{}}"));
        peeled.or_else(|| named(name)).map(|found| found.id.clone())
    };
    let branch_of = |full: &str| {
        let branch = full.strip_prefix("refs/heads/").unwrap_or_default();
        if is_ref_name(branch) { branch.to_owned() } else { String::new() }
    };
    let missing = |name: &str| Unresolved::Missing(suggestion(name, refs));
    match revision {
        Revision::Id(id) => Ok(Resolved { commit: id.clone(), branch: String::new() }),
        Revision::Head => {
            let head = named("HEAD").ok_or_else(|| missing("HEAD"))?;
            let branch = head.target.as_deref().map(branch_of).unwrap_or_default();
            Ok(Resolved { commit: head.id.clone(), branch })
        }
        Revision::Full(name) => {
            let commit = commit(name).ok_or_else(|| missing(name))?;
            Ok(Resolved { commit, branch: branch_of(name) })
        }
        Revision::Name(name) => {
            let branch = format!("refs/heads/{name}");
            let tag = format!("refs/tags/{name}");
            match (commit(&branch), commit(&tag)) {
                (Some(one), Some(other)) if one != other => {
                    let text = format!("{branch} is {one}, and {tag} is {other}");
                    Err(Unresolved::Ambiguous(text))
                }
                (Some(commit), _) => Ok(Resolved { commit, branch: branch_of(&branch) }),
                (None, Some(commit)) => Ok(Resolved { commit, branch: String::new() }),
                (None, None) => Err(missing(name)),
            }
        }
    }
}

/// Returns the names of the tags that lead to a commit. Of many, some.
#[must_use]
pub fn tags_of(commit: &str, refs: &[Advertised]) -> Vec<String> {
    let leading = refs.iter().filter(|own| own.id == commit);
    let names = leading.filter_map(|own| own.name.strip_prefix("refs/tags/"));
    let names = names.map(|name| name.strip_suffix("^{}").unwrap_or(name));
    names.filter(|name| is_ref_name(name)).take(100).map(str::to_owned).collect()
}

/// Suggests names that might have been meant.
fn suggestion(wanted: &str, refs: &[Advertised]) -> String {
    let is_short_id =
        (4..64).contains(&wanted.len()) && wanted.chars().all(|c| c.is_ascii_hexdigit());
    if is_short_id {
        return "a commit's id must be given whole, with 40 or 64 hex digits".into();
    }
    let short = |own: &Advertised| -> Option<String> {
        let name = own.name.strip_prefix("refs/heads/");
        let name = name.or_else(|| own.name.strip_prefix("refs/tags/"))?;
        is_ref_name(name).then(|| name.to_owned())
    };
    let bare = wanted.trim_start_matches("refs/").trim_start_matches("heads/");
    let bare = bare.trim_start_matches("tags/").trim_start_matches("origin/");
    let last = |name: &str| name.rsplit('/').next().unwrap_or_default().to_lowercase();
    let mut near: Vec<(usize, String)> = Vec::new();
    for name in refs.iter().filter_map(short) {
        // Comparing takes the product of both lengths, and a server may have a million names.
        let is_near = name.len().abs_diff(bare.len()) <= 2;
        let distance = match is_near.then(|| strsim::damerau_levenshtein(&name, bare)) {
            Some(distance @ ..=2) => distance,
            _ if last(&name) == last(bare) => 3,
            _ => continue,
        };
        near.push((distance, name));
    }
    near.sort();
    near.dedup();
    let mut names: Vec<String> = near.into_iter().map(|(_, name)| name).collect();
    let how = if names.is_empty() { "it has" } else { "near names are" };
    if names.is_empty() {
        names = refs.iter().filter_map(short).collect();
    }
    let more = if names.len() > SUGGESTED { " …" } else { "" };
    names.truncate(SUGGESTED);
    if names.is_empty() {
        return "it has no branch or tag yet: push a commit".into();
    }
    format!("{how} {}{more}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "1111111111111111111111111111111111111111";
    const NEW: &str = "2222222222222222222222222222222222222222";
    const TAG: &str = "3333333333333333333333333333333333333333";

    fn refs() -> Vec<Advertised> {
        let all = [
            ("HEAD", NEW, Some("refs/heads/main")),
            ("refs/heads/bot/main", OLD, None),
            ("refs/heads/both", NEW, None),
            ("refs/heads/main", NEW, None),
            ("refs/heads/same", NEW, None),
            ("refs/heads/cafe", OLD, None),
            ("refs/pull/7/head", OLD, None),
            ("refs/tags/both", OLD, None),
            ("refs/tags/same", TAG, None),
            ("refs/tags/same^{}", NEW, None),
            ("refs/tags/v1.0", TAG, None),
            ("refs/tags/v1.0^{}", NEW, None),
        ];
        all.map(|(name, id, target)| Advertised {
            name: name.into(),
            id: id.into(),
            target: target.map(Into::into),
        })
        .into()
    }

    fn resolve(text: &str) -> Result<(String, String), Unresolved> {
        let found = find(&Revision::parse(text).unwrap(), &refs())?;
        Ok((found.commit, found.branch))
    }

    #[test]
    fn a_name_is_exactly_one_branch_or_one_peeled_tag() {
        for (text, commit, branch) in [
            ("HEAD", NEW, "main"),
            ("main", NEW, "main"),
            ("bot/main", OLD, "bot/main"),
            ("v1.0", NEW, ""),
            ("same", NEW, "same"),
            ("cafe", OLD, "cafe"),
            ("refs/heads/main", NEW, "main"),
            ("refs/tags/v1.0", NEW, ""),
            ("refs/heads/both", NEW, "both"),
            ("refs/tags/both", OLD, ""),
            ("refs/pull/7/head", OLD, ""),
            (OLD, OLD, ""),
            (&*"ABCDEF7890".repeat(4), &*"abcdef7890".repeat(4), ""),
        ] {
            assert_eq!(resolve(text), Ok((commit.into(), branch.into())), "{text}");
        }
    }

    #[test]
    fn tags_are_known_by_the_commit_that_they_were_made_for() {
        assert_eq!(tags_of(NEW, &refs()), ["same", "v1.0"]);
        assert_eq!(tags_of(OLD, &refs()), ["both"]);
    }

    #[test]
    fn nothing_is_guessed() {
        let reason = |text: &str| match resolve(text).unwrap_err() {
            Unresolved::Missing(reason) => reason,
            Unresolved::Ambiguous(reason) => format!("ambiguous: {reason}"),
        };
        let both = reason("both");
        assert!(both.contains("ambiguous: refs/heads/both is 222"), "{both}");
        assert!(both.contains("refs/tags/both is 111"), "{both}");
        assert_eq!(reason("mian"), "near names are main");
        assert_eq!(reason("origin/main"), "near names are main, bot/main");
        assert_eq!(reason("heads/main"), "near names are main, bot/main");
        assert_eq!(reason("refs/heads/v1.0"), "near names are v1.0");
        assert_eq!(reason("nothing-like-it"), "it has bot/main, both, main, same, cafe …");
        assert!(reason("1111111").contains("40 or 64"), "{}", reason("1111111"));
        let empty = find(&Revision::Head, &[]).unwrap_err();
        assert_eq!(empty, Unresolved::Missing("it has no branch or tag yet: push a commit".into()));
    }

    #[test]
    fn what_can_name_no_ref_is_refused() {
        for bad in [
            "", "main~1", "main^", "HEAD@{1}", "@", "a..b", "a b", "-a", "/a", "a/", "a//b", ".a",
            "a.lock", "a.", "a:b", "a*", "v1.0^{}", "a\\b", "a\nb",
        ] {
            assert!(Revision::parse(bad).is_err(), "{bad:?}");
        }
        for good in ["feature/#12_x+y", "ünï", "v1.0-rc.1", "a@b"] {
            Revision::parse(good).unwrap();
        }
    }
}
