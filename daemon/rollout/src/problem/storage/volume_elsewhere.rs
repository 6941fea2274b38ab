//! The volume is in another zone (WL-K8S-032).

use crate::problem::{Debounce, Explanation, Problem, has, no_answer, unscheduled};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 32,
    code: "volume-elsewhere",
    title: "The volume is in another zone",
    symptom: "the scheduler finds no node, and its message says `volume node affinity conflict`",
    debounce: Debounce::Now,
    symptoms: |snapshot| {
        unscheduled(snapshot, |text| {
            // A node that is only full may have room later.
            has(text, &["volume node affinity conflict", "PersistentVolume's node affinity"])
                && !has(text, &["Insufficient ", "Too many pods"])
        })
    },
    matches_error: no_answer,
    explain: |_| {
        Explanation::new(
        "the volume is bound to nodes on which the pod may not run",
        [
            "let the pod run where its volume is: remove what `placement.nodes` says, or add nodes in that zone",
            "a StorageClass with `volumeBindingMode: WaitForFirstConsumer` makes new volumes where the pod is",
        ],
    )
    .look("kubectl describe persistentvolumes".to_owned())
    },
};
