//! The image's name is malformed (WL-K8S-008).

use crate::problem::{Debounce, Explanation, Problem, no_answer, waiting};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 8,
    code: "image-name-invalid",
    title: "The image's name is malformed",
    symptom: "a container waits with InvalidImageName or ImageInspectError",
    debounce: Debounce::Now,
    symptoms: |snapshot| waiting(snapshot, &["InvalidImageName", "ImageInspectError"], |_| true),
    matches_error: no_answer,
    explain: |_| {
        Explanation::new(
            "the node cannot read the image's name",
            [
                "in a manifest of your own: look for a variable that was not replaced; `$WINDLASS_IMAGE` stands for the image that was built",
                "image names are lower-case: `registry/name:tag` or `registry/name@sha256:…`",
            ],
        )
    },
};
