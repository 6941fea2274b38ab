//! The app uses more memory than it may (WL-K8S-017).

use crate::problem::{Debounce, Explanation, Problem, ended, no_answer};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 17,
    code: "out-of-memory",
    title: "The app uses more memory than it may",
    symptom: "a container ended with OOMKilled",
    debounce: Debounce::Times(2),
    symptoms: |snapshot| ended(snapshot, |_, _, _, end| end.reason == "OOMKilled"),
    matches_error: no_answer,
    explain: |case| {
        let limit = case
            .process()
            .map(|process| process.resources.memory_limit.clone())
            .unwrap_or_default();
        let raise = format!("raise `{}` above {limit}", case.field("resources.memory-limit"));
        Explanation::new(
            format!("{} used more than its memory limit of {limit} and was killed", case.who()),
            [
                &raise,
                "or make it use less: cap its runtime's heap below the limit, such as NODE_OPTIONS=--max-old-space-size",
            ],
        )
    },
};
