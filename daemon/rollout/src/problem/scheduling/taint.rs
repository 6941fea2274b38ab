//! The nodes keep such pods off (WL-K8S-029).

use crate::problem::{Debounce, Explanation, Problem, no_answer, unscheduled};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 29,
    code: "taint",
    title: "The nodes keep such pods off",
    symptom: "the scheduler finds no node, and its message says `untolerated taint`",
    debounce: Debounce::After(15),
    symptoms: |snapshot| {
        unscheduled(snapshot, |text| {
            text.contains("untolerated taint") && !text.contains("Insufficient")
        })
    },
    matches_error: no_answer,
    explain: |case| {
        let taint = case.finding.message.split(['{', '}']).nth(1).unwrap_or_default().trim();
        let key = taint.split(':').next().unwrap_or_default();
        let add = format!(
            "add to `{}`: {{ key = \"{key}\" }}, if this app belongs on those nodes",
            case.field("placement.tolerations")
        );
        Explanation::new(
            format!("every node that could take the pod keeps it off by a taint ({taint})"),
            [&add, "or add nodes without it"],
        )
        .look("kubectl describe nodes | grep -A3 Taints".to_owned())
    },
};
