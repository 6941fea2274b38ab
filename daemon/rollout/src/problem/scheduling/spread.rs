//! The pods cannot be kept apart (WL-K8S-033).

use crate::problem::{Debounce, Explanation, Problem, has, no_answer, unscheduled};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 33,
    code: "spread-impossible",
    title: "The pods cannot be kept apart",
    symptom: "the scheduler finds no node, and its message says that spread constraints or anti-affinity forbid every node",
    debounce: Debounce::After(30),
    symptoms: |snapshot| {
        unscheduled(snapshot, |text| has(text, &["topology spread", "anti-affinity"]))
    },
    matches_error: no_answer,
    explain: |case| {
        let prefer = format!(
            "set `{} = \"preferred\"`: pods are then kept apart where it can be done",
            case.field("placement.spread")
        );
        Explanation::new(
            "the pods must be kept apart, and there are not nodes enough for that",
            [&prefer, "or add nodes; a rolling update needs room for one pod more"],
        )
    },
};
