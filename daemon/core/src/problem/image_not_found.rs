//! The image is not in the registry (kubernetes 1).

use super::{PULL, Patience, Problem, Words, has, no_answer, waiting};

pub(super) const PROBLEM: &Problem = &Problem {
    number: 1,
    code: "image-not-found",
    title: "The image is not in the registry",
    seen: "a container waits with ErrImagePull or ImagePullBackOff, and the message says `not found` or `manifest unknown`",
    patience: Patience::Now,
    signs: |seen| {
        waiting(seen, PULL, |text| {
            has(text, &["not found", "manifest unknown"]) && !has(text, &["no such host"])
        })
    },
    answers: no_answer,
    words: |case| {
        Words::new(
            format!("the registry has no image {}", case.image()),
            [
                "check that the registry was not emptied since the push; submit the commit again to push anew",
                "for a rollback: choose a release whose image is still kept",
            ],
        )
    },
};
