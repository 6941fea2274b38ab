//! A port of the node is taken (kubernetes 34).

use super::{Patience, Problem, Words, no_answer, unscheduled};

pub(super) const PROBLEM: &Problem = &Problem {
    number: 34,
    code: "port-taken",
    title: "A port of the node is taken",
    seen: "the scheduler finds no node, and its message says that no node has the port free",
    patience: Patience::Now,
    signs: |seen| unscheduled(seen, |text| text.contains("free ports")),
    answers: no_answer,
    words: |_| {
        Words::new(
            "a pod wants a port of the node itself, and on every node another pod has it",
            [
                "remove `hostPort` from your manifest: a Service reaches pods without it",
                "a rolling update needs the port twice: set `strategy: Recreate` in your manifest if it must stay",
            ],
        )
    },
};
