//! The volume is still in use (WL-K8S-036).

use crate::problem::{Debounce, Explanation, Problem, no_answer, unscheduled, warned_before_start};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 36,
    code: "volume-in-use",
    title: "The volume is still in use",
    symptom: "the volume cannot be attached: `Multi-Attach`; or the scheduler finds no node, and its message says that a claim of the ReadWriteOncePod access mode is in use",
    debounce: Debounce::Likely(60),
    symptoms: |snapshot| {
        let mut symptoms = warned_before_start(snapshot, "FailedAttachVolume", |text| {
            text.contains("multi-attach")
        });
        symptoms.extend(unscheduled(snapshot, |text| text.contains(ONE_POD)));
        symptoms
    },
    matches_error: no_answer,
    explain: |case| {
        let (what, look) = if case.finding.message.contains(ONE_POD) {
            let look =
                format!("kubectl --namespace {} describe persistentvolumeclaims", case.namespace());
            ("the volume can be used by one pod at a time, and another pod still has it", look)
        } else {
            let look = "kubectl get volumeattachments".to_owned();
            ("the volume can be used on one node at a time, and another node still has it", look)
        };
        Explanation::new(
            what,
            [
                "keep `replicas` at 1: Windlass then ends the old pod before the new one starts",
                "in a Deployment of your own say `strategy: { type: Recreate }`, which does the same",
                "or use a class whose volumes several nodes can mount, with `access = \"ReadWriteMany\"`",
                "if that node is lost, delete its pod with `--force`, so that the volume is let go",
            ],
        )
        .look(look)
    },
};

/// Message of the scheduler for a claim that another pod has (`volumerestrictions` of kube-scheduler).
const ONE_POD: &str = "ReadWriteOncePod access mode";
