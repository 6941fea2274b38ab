//! The state of a commit, as it is reported to a forge.

use super::{
    call::Unsendable,
    text::{cut, one_line},
};
use windlass_model::outbox::Moment;

/// State of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitState {
    /// 40 or 64 hex digits.
    pub commit: String,
    /// Context of a status, environment of a deployment.
    pub name: String,
    pub moment: Moment,
    /// A sentence for people, without secrets.
    pub description: String,
    /// Page that shows more. `None` means that there is none.
    pub link: Option<String>,
    /// Branch that the commit was deployed from. `None` means that it is not known.
    pub branch: Option<String>,
    /// Job that deploys the commit.
    pub job: String,
}

impl CommitState {
    /// Returns the commit, as it may stand in a path.
    pub(crate) fn id(&self) -> Result<&str, Unsendable> {
        let is_id = matches!(self.commit.len(), 40 | 64)
            && self.commit.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_id {
            return Ok(&self.commit);
        }
        let shown = cut(&self.commit, 80);
        Err(Unsendable(format!(
            "commit: `{shown}` is no id of a commit: expected 40 or 64 hex digits"
        )))
    }

    /// Returns the description in one line of at most `most` characters.
    pub(crate) fn line(&self, most: usize) -> String {
        cut(&one_line(&self.description), most)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A state of tests.
    pub(crate) fn state(moment: Moment) -> CommitState {
        CommitState {
            commit: "a".repeat(40),
            name: "windlass/web/production".into(),
            moment,
            description: "one\ntwo".into(),
            link: Some("https://windlass.example/jobs/7".into()),
            branch: Some("main".into()),
            job: "7".into(),
        }
    }

    #[test]
    fn only_an_id_of_a_commit_stands_in_a_path() {
        let good = CommitState { commit: "0f".repeat(32), ..state(Moment::Queued) };
        assert_eq!(good.id().unwrap(), good.commit);
        for bad in ["", "main", "../../x", &"g".repeat(40), &"a".repeat(41)] {
            let bad = CommitState { commit: bad.to_owned(), ..state(Moment::Queued) };
            assert!(bad.id().is_err(), "{}", bad.commit);
        }
    }
}
