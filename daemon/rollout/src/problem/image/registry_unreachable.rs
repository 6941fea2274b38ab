//! The node does not reach the registry (WL-K8S-005).

use crate::problem::{Debounce, Explanation, PULL, Problem, has, no_answer, status, waiting};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 5,
    code: "registry-unreachable",
    title: "The node does not reach the registry",
    symptom: "a container waits with ErrImagePull or ImagePullBackOff, and the message says `no such host`, `i/o timeout`, `connection refused`, `EOF` or a status of 500 to 504",
    debounce: Debounce::Likely(60),
    symptoms: |snapshot| {
        waiting(snapshot, PULL, |text| {
            has(
                text,
                &[
                    "no such host",
                    "timeout",
                    "refused",
                    "reset by peer",
                    "eof",
                    "deadline exceeded",
                    "no route to host",
                ],
            ) || status(text, &["500", "502", "503", "504"])
        })
    },
    matches_error: no_answer,
    explain: |case| {
        Explanation::new(
            format!("the node cannot reach the registry of {}", case.image()),
            [
                "look from a node: does it resolve the registry's name, and may it connect? A firewall or an egress rule may be in the way",
                "if the registry itself is down, submit again once it answers",
            ],
        )
    },
};
