//! The meaning of GitLab's answers.

use crate::outgoing::call::{Answer, Meaning};

/// Characters of a description.
pub(crate) const DESCRIPTION: usize = 255;

/// Returns the meaning of an answer.
pub(crate) fn meaning(answer: &Answer, now_ms: u64) -> Meaning {
    let wrote = answer.excerpt().to_ascii_lowercase();
    match answer.status {
        // The state is already the one that was sent.
        400 if wrote.contains("cannot transition") => Meaning::Done,
        404 if wrote.contains("commit") => Meaning::Void(format!(
            "{}; the commit is in no repository of this project, as one of a fork",
            answer.excerpt()
        )),
        _ => Meaning::of(answer, now_ms),
    }
}
