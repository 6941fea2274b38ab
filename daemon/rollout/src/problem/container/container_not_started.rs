//! The node cannot start a container (WL-K8S-057).

use crate::problem::{Debounce, Explanation, PULL, Problem, no_answer, waits};

/// Reasons that are problems of their own.
const ELSEWHERE: &[&str] = &["CreateContainerConfigError", "CrashLoopBackOff"];

/// Returns whether a container that waits for this reason failed to start.
fn has_failed(reason: &str) -> bool {
    let is_failure =
        reason.starts_with("Err") || reason.ends_with("Error") || reason.ends_with("BackOff");
    is_failure && !ELSEWHERE.contains(&reason) && !PULL.contains(&reason)
}

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 57,
    code: "container-not-started",
    title: "The node cannot start a container",
    symptom: "a container waits with CreateContainerError, RunContainerError or another error or back-off, in words that no other problem knows",
    debounce: Debounce::After(60),
    symptoms: |snapshot| {
        waits(snapshot, |reason, message| {
            let text =
                if message.is_empty() { reason.to_owned() } else { format!("{reason}: {message}") };
            has_failed(reason).then_some(text)
        })
    },
    matches_error: no_answer,
    explain: |case| {
        Explanation::new(
            format!("the node cannot start a container of {}", case.who()),
            [
                "change what the message names: a device, a volume, a capability, the working directory, a hook",
                "if the message tells of the node itself, ask the cluster's owner to look at it",
            ],
        )
    },
};
