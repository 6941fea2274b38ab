//! No node has the wanted labels (WL-K8S-030).

use crate::problem::{Debounce, Explanation, Problem, has, no_answer, unscheduled};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 30,
    code: "no-node-matches",
    title: "No node has the wanted labels",
    symptom: "the scheduler finds no node, and its message says that no node matches the selector or affinity",
    debounce: Debounce::After(15),
    symptoms: |snapshot| {
        unscheduled(snapshot, |text| {
            has(text, &["node affinity", "node selector", "node(s) didn't match Pod's node"])
        })
    },
    matches_error: no_answer,
    explain: |case| {
        let wanted = case.process().map(|process| {
            process
                .placement
                .nodes
                .iter()
                .map(|(key, value)| format!("{key}={value}"))
                .collect::<Vec<_>>()
                .join(", ")
        });
        let wanted =
            wanted.filter(|wanted| !wanted.is_empty()).unwrap_or_else(|| "that it asks for".into());
        let field =
            format!("correct `{}`, or give a node these labels", case.field("placement.nodes"));
        Explanation::new(
            format!("no node has the labels {wanted}"),
            [&field, "node pools that scale from nothing must know the labels"],
        )
        .look("kubectl get nodes --show-labels".to_owned())
    },
};
