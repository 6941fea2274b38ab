//! A port of the node is taken (WL-K8S-034).

use crate::problem::{Debounce, Explanation, Problem, no_answer, unscheduled};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 34,
    code: "port-taken",
    title: "A port of the node is taken",
    symptom: "the scheduler finds no node, and its message says that no node has the port free",
    debounce: Debounce::Now,
    symptoms: |snapshot| unscheduled(snapshot, |text| text.contains("free ports")),
    matches_error: no_answer,
    explain: |_| {
        Explanation::new(
            "a pod wants a port of the node itself, and on every node another pod has it",
            [
                "remove `hostPort` from your manifest: a Service reaches pods without it",
                "a rolling update needs the port twice: set `strategy: Recreate` in your manifest if it must stay",
            ],
        )
    },
};
