//! The image's user may not run (WL-K8S-012).

use crate::problem::{CREATE, Debounce, Explanation, Problem, has, no_answer, waiting};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 12,
    code: "user-refused",
    title: "The image's user may not run",
    symptom: "a container waits with CreateContainerConfigError, and the message says that it would run as root, that `runAsUser` breaks the non-root policy, or that its user is no number",
    debounce: Debounce::Now,
    symptoms: |snapshot| {
        waiting(snapshot, CREATE, |text| {
            has(text, &["run as root", "breaks non-root policy", "non-numeric user"])
        })
    },
    matches_error: no_answer,
    explain: |_| {
        Explanation::new(
            "the kubelet refuses to run the image as its user",
            [
                "end the Dockerfile with a numeric `USER`, such as `USER 10001`",
                "in a manifest of your own: set `runAsUser` to that number; 0 and `runAsNonRoot: true` exclude each other",
            ],
        )
    },
};
