//! The node cannot set up a pod's network (WL-K8S-037).

use crate::problem::{Debounce, Explanation, Problem, no_answer, warned_before_start};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 37,
    code: "no-sandbox",
    title: "The node cannot set up a pod's network",
    symptom: "the kubelet warns of FailedCreatePodSandBox",
    debounce: Debounce::Likely(30),
    symptoms: |snapshot| warned_before_start(snapshot, "FailedCreatePodSandBox", |_| true),
    matches_error: no_answer,
    explain: |_| {
        Explanation::new(
        "the node cannot set up the pod's network",
        [
            "ask the cluster's owner: the network plugin fails, or the node has no address left",
            "other apps on this node will not start either",
        ],
    )
    .look("kubectl get nodes; kubectl --namespace kube-system get pods".to_owned())
    },
};
