//! The image is not in the registry (WL-K8S-001).

use crate::problem::{Debounce, Explanation, PULL, Problem, has, no_answer, waiting};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 1,
    code: "image-not-found",
    title: "The image is not in the registry",
    symptom: "a container waits with ErrImagePull or ImagePullBackOff, and the message says `not found` or `manifest unknown`",
    debounce: Debounce::Now,
    symptoms: |snapshot| {
        waiting(snapshot, PULL, |text| {
            has(text, &["not found", "manifest unknown"]) && !has(text, &["no such host"])
        })
    },
    matches_error: no_answer,
    explain: |case| {
        Explanation::new(
            format!("the registry has no image {}", case.image()),
            [
                "check that the registry was not emptied since the push; submit the commit again to push the image again",
                "for a rollback: choose a release whose image is still kept",
            ],
        )
    },
};
