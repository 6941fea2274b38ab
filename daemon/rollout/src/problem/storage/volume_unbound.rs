//! A volume claim has no volume (WL-K8S-031).

use crate::problem::{Debounce, Explanation, Problem, has, no_answer, unscheduled};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 31,
    code: "volume-unbound",
    title: "A volume claim has no volume",
    symptom: "the scheduler finds no node, and its message says that a PersistentVolumeClaim is unbound or not found",
    debounce: Debounce::After(30),
    symptoms: |snapshot| {
        unscheduled(snapshot, |text| {
            has(
                text,
                &["unbound immediate PersistentVolumeClaims", "unbound PersistentVolumeClaims"],
            ) || text.contains("persistentvolumeclaim") && text.contains("not found")
                || text.contains("find available persistent volumes")
        })
    },
    matches_error: no_answer,
    explain: |case| {
        Explanation::new(
        "a claim of the pod has no volume",
        [
            "name a StorageClass that the cluster has: `class` of the volume (`kubectl get storageclasses`); without a default class one must be named",
            "a claim that was named must be there: `kubectl get persistentvolumeclaims`",
        ],
    )
    .look(format!("kubectl --namespace {} describe persistentvolumeclaims", case.namespace()))
    },
};
