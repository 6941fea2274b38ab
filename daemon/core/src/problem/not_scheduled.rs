//! No node takes the pod (kubernetes 59).

use super::{Patience, Problem, Words, no_answer, unscheduled};

pub(super) const PROBLEM: &Problem = &Problem {
    number: 59,
    code: "not-scheduled",
    title: "No node takes the pod",
    seen: "the scheduler finds no node, in words that no other problem knows",
    patience: Patience::After(60),
    signs: |seen| unscheduled(seen, |_| true),
    answers: no_answer,
    words: |case| {
        Words::new(
            format!("the scheduler finds no node for a pod of {}", case.who()),
            [
                "change what the message names: it tells of each reason how many nodes it keeps the pod from",
                "or ask the cluster's owner: a node may be missing, full or closed for pods",
            ],
        )
        .look("kubectl get nodes -o wide".to_owned())
    },
};
