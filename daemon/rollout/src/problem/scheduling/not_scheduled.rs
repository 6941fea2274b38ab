//! No node takes the pod (WL-K8S-059).

use crate::problem::{Debounce, Explanation, Problem, no_answer, unscheduled};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 59,
    code: "not-scheduled",
    title: "No node takes the pod",
    symptom: "the scheduler finds no node, in words that no other problem knows",
    debounce: Debounce::After(60),
    symptoms: |snapshot| unscheduled(snapshot, |_| true),
    matches_error: no_answer,
    explain: |case| {
        Explanation::new(
            format!("the scheduler finds no node for a pod of {}", case.who()),
            [
                "change what the message names: it tells of each reason how many nodes it keeps the pod from",
                "or ask the cluster's owner: a node may be missing, full or closed for pods",
            ],
        )
        .look("kubectl get nodes -o wide".to_owned())
    },
};
