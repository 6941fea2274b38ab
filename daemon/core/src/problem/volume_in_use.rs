//! The volume is still in use on another node (kubernetes 36).

use super::{Patience, Problem, Words, no_answer, warned_before_start};

pub(super) const PROBLEM: &Problem = &Problem {
    number: 36,
    code: "volume-in-use",
    title: "The volume is still in use on another node",
    seen: "the volume cannot be attached: `Multi-Attach`",
    patience: Patience::Likely(60),
    signs: |seen| {
        warned_before_start(seen, "FailedAttachVolume", |text| text.contains("multi-attach"))
    },
    answers: no_answer,
    words: |_| {
        Words::new(
        "the volume can be used on one node at a time, and another node still has it",
        [
            "keep `replicas` at 1: Windlass then ends the old pod before the new one starts",
            "or use a class whose volumes several nodes can mount, with `access = \"ReadWriteMany\"`",
            "if that node is lost, delete its pod with `--force`, so that the volume is let go",
        ],
    )
    .look("kubectl get volumeattachments".to_owned())
    },
};
