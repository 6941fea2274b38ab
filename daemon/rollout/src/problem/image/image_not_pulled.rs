//! The node cannot pull the image (WL-K8S-058).

use crate::problem::{Debounce, Explanation, PULL, Problem, no_answer, waiting};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 58,
    code: "image-not-pulled",
    title: "The node cannot pull the image",
    symptom: "a container waits with ErrImagePull or ImagePullBackOff, in words that no other problem knows",
    debounce: Debounce::After(60),
    symptoms: |snapshot| waiting(snapshot, PULL, |_| true),
    matches_error: no_answer,
    explain: |case| {
        Explanation::new(
            format!("the node cannot pull {}", case.image()),
            [
                "if the message tells of the node, such as `no space left on device`, ask the cluster's owner to look at it",
                "if it tells of the image, such as a layer that cannot be read, submit the commit again to push it again",
            ],
        )
    },
};
