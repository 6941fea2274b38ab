//! Nodes end the pods (WL-K8S-044).

use crate::problem::{Debounce, Explanation, Problem, at, no_answer};
use crate::snapshot::Pod;

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 44,
    code: "node-pressure",
    title: "Nodes end the pods",
    symptom: "pods were Evicted, Preempted, or ended with their node",
    debounce: Debounce::Times(3),
    symptoms: |snapshot| {
        // A pod that ended is the past of a workload that has all its pods.
        let lacks = |pod: &&Pod| {
            !snapshot.workloads.iter().any(|one| one.process == pod.process && one.is_healthy())
        };
        snapshot
            .pods
            .iter()
            .filter(lacks)
            .filter_map(|pod| {
                pod.ended.as_ref().map(|(reason, message)| at(pod, &format!("{reason}: {message}")))
            })
            .collect()
    },
    matches_error: no_answer,
    explain: |case| {
        let disk = format!(
            "if it writes much to its own disk, say how much: `{}`",
            case.field("resources.ephemeral-storage")
        );
        let memory = format!(
            "ask for what it needs: `{}` near what it uses, so that it is not the first to go",
            case.field("resources.memory")
        );
        Explanation::new(
            "nodes ran short of memory or disk and ended the pods, again and again",
            [&disk, &memory, "or ask the cluster's owner: the nodes are full"],
        )
        .look("kubectl describe nodes | grep -A6 Conditions".to_owned())
    },
};
