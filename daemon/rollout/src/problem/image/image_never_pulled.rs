//! The image may not be pulled and is not on the node (WL-K8S-009).

use crate::problem::{Debounce, Explanation, Problem, no_answer, waiting};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 9,
    code: "image-never-pulled",
    title: "The image may not be pulled and is not on the node",
    symptom: "a container waits with ErrImageNeverPull",
    debounce: Debounce::Now,
    symptoms: |snapshot| waiting(snapshot, &["ErrImageNeverPull"], |_| true),
    matches_error: no_answer,
    explain: |_| {
        Explanation::new(
            "the object says `imagePullPolicy: Never`, and the node does not have the image",
            ["remove `imagePullPolicy` from your manifest: the node then pulls what it lacks"],
        )
    },
};
