//! The image is for another kind of processor (WL-K8S-007).

use crate::problem::{Debounce, Explanation, PULL, Problem, has, no_answer, waiting};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 7,
    code: "wrong-platform",
    title: "The image is for another kind of processor",
    symptom: "a container waits with ErrImagePull or ImagePullBackOff, and the message says `no match for platform`",
    debounce: Debounce::Now,
    symptoms: |snapshot| waiting(snapshot, PULL, |text| has(text, &["no match for platform"])),
    matches_error: no_answer,
    explain: |case| {
        Explanation::new(
            format!("{} holds no variant for the nodes' processor", case.image()),
            [
                "build for the nodes' platform: without `--platform` in the Dockerfile's FROM lines the builder's own is taken",
                "or say in `placement.nodes` which nodes: `\"kubernetes.io/arch\" = \"arm64\"`",
            ],
        )
    },
};
