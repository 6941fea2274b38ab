//! Commits that refs lead to, beside what a forge reported.

use std::collections::BTreeMap;
use windlass_model::delivery::RefMove;

/// Answer of a repository about one ref.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen<'a> {
    /// The ref is where it was before the change that was reported: the change may not be visible yet.
    Before,
    /// There is no such ref.
    Gone,
    /// The ref leads to this commit.
    At(&'a str),
}

/// Returns what a ref leads to. `refs` are those of the repository. A caller without patience believes the repository
/// at once.
pub(super) fn seen<'a>(
    moved: &RefMove,
    refs: &'a BTreeMap<String, String>,
    is_patient: bool,
) -> Seen<'a> {
    let now = refs.get(&moved.name);
    let is_reported = now == moved.after.as_ref();
    if is_patient && !is_reported && now == moved.before.as_ref() {
        return Seen::Before;
    }
    now.map_or(Seen::Gone, |commit| Seen::At(commit))
}

/// Returns the move with the repository's word in the place of the forge's. What the forge says of another commit's
/// message is dropped; that of a tag stays, since the forge reports the tag's object.
pub(super) fn corrected(moved: &RefMove, commit: &str) -> RefMove {
    let is_same = moved.after.as_deref() == Some(commit) || moved.tag().is_some();
    let summary = if is_same { moved.summary.clone() } else { String::new() };
    let skips_checks = is_same && moved.skips_checks;
    RefMove { after: Some(commit.to_owned()), summary, skips_checks, ..moved.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(before: Option<&str>, after: Option<&str>) -> RefMove {
        RefMove {
            name: "refs/heads/main".into(),
            before: before.map(Into::into),
            after: after.map(Into::into),
            summary: "s".into(),
            skips_checks: true,
        }
    }

    #[test]
    fn the_repository_decides_and_a_forge_that_lags_is_asked_again() {
        for (before, after, now, patient, impatient) in [
            (Some("a"), Some("b"), Some("b"), Seen::At("b"), Seen::At("b")),
            (Some("a"), Some("b"), Some("a"), Seen::Before, Seen::At("a")),
            (Some("a"), Some("b"), Some("c"), Seen::At("c"), Seen::At("c")),
            (Some("a"), Some("b"), None, Seen::Gone, Seen::Gone),
            // A new ref that nobody sees yet.
            (None, Some("b"), None, Seen::Before, Seen::Gone),
            (None, Some("b"), Some("b"), Seen::At("b"), Seen::At("b")),
            // A deletion, one that is not visible yet, and a ref that was made again.
            (Some("a"), None, None, Seen::Gone, Seen::Gone),
            (Some("a"), None, Some("a"), Seen::Before, Seen::At("a")),
            (Some("a"), None, Some("b"), Seen::At("b"), Seen::At("b")),
        ] {
            let name = "refs/heads/main".to_owned();
            let refs: BTreeMap<_, _> = now.map(|id| (name, id.to_owned())).into_iter().collect();
            let moved = moved(before, after);
            assert_eq!(seen(&moved, &refs, true), patient, "{moved:?} {now:?}");
            assert_eq!(seen(&moved, &refs, false), impatient, "{moved:?} {now:?}");
        }
    }

    #[test]
    fn the_message_of_another_commit_is_dropped() {
        let of = |commit: &str| {
            let corrected = corrected(&moved(None, Some("b")), commit);
            (corrected.summary, corrected.skips_checks)
        };
        assert_eq!(of("b"), ("s".to_owned(), true));
        assert_eq!(of("c"), (String::new(), false));
        let tag = RefMove { name: "refs/tags/v1".into(), ..moved(None, Some("object")) };
        let corrected = corrected(&tag, "c");
        assert_eq!((&*corrected.summary, corrected.after.as_deref()), ("s", Some("c")));
    }
}
