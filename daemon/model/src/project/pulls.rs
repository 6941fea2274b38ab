//! Pull requests that a trigger deploys.

use super::{
    PullRule,
    matching::{Mismatch, is_match},
};
use crate::delivery::PullMove;

/// Decides whether a rule is for a pull request, as far as the forge's report says. Whether it is a fork is asked of the
/// repository, and not of the report.
///
/// # Errors
/// [`Mismatch`] with the reason why the pull request is not deployed.
pub fn matches_pull(rule: &PullRule, pull: &PullMove) -> Result<(), Mismatch> {
    if !rule.into.iter().any(|glob| is_match(glob, &pull.into)) {
        let (branch, globs) = (pull.into.clone(), rule.into.clone());
        return Err(Mismatch::Branch { branch, globs });
    }
    if pull.draft && rule.drafts != Some(true) {
        return Err(Mismatch::Draft);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::PullAction;

    #[test]
    fn a_pull_request_is_deployed_by_its_target_and_once_it_is_no_draft() {
        let rule = |drafts| PullRule {
            into: vec!["main".into(), "release/*".into()],
            drafts,
            ..PullRule::default()
        };
        let pull = |into: &str, draft| PullMove {
            number: 7,
            action: PullAction::Opened,
            head: "1".repeat(40),
            into: into.into(),
            draft,
            fork: false,
            title: String::new(),
        };
        for (rule, pull, expected) in [
            (rule(None), pull("main", false), ""),
            (rule(None), pull("release/1", false), ""),
            (
                rule(None),
                pull("old", false),
                "the branch `old` does not match `main` or `release/*`",
            ),
            (rule(None), pull("main", true), "the pull request is a draft, and `drafts` is off"),
            (
                rule(Some(false)),
                pull("main", true),
                "the pull request is a draft, and `drafts` is off",
            ),
            (rule(Some(true)), pull("main", true), ""),
        ] {
            let answer = matches_pull(&rule, &pull).err().map(|why| why.to_string());
            assert_eq!(answer.unwrap_or_default(), expected);
        }
    }
}
