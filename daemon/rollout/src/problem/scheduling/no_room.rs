//! No node has room (WL-K8S-028).

use crate::problem::{Debounce, Explanation, Problem, has, no_answer, unscheduled};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 28,
    code: "no-room-on-nodes",
    title: "No node has room",
    symptom: "the scheduler finds no node, and its message says `Insufficient cpu`, `Insufficient memory` or another resource",
    debounce: Debounce::Likely(15),
    symptoms: |snapshot| {
        unscheduled(snapshot, |text| has(text, &["Insufficient ", "Too many pods"]))
    },
    matches_error: no_answer,
    explain: |case| {
        let asks = case.process().map(|process| process.resources.clone()).unwrap_or_default();
        let lower = format!(
            "lower `{}` and `{}`, or `{}`",
            case.field("resources.cpu"),
            case.field("resources.memory"),
            case.field("replicas")
        );
        Explanation::new(
            format!(
                "no node has room for a pod that asks for {} CPU and {} memory",
                asks.cpu, asks.memory
            ),
            [&lower, "or add nodes"],
        )
        .look("kubectl describe nodes | grep -A8 'Allocated resources'".to_owned())
    },
};
