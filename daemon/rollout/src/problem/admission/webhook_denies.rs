//! A policy of the cluster refuses (WL-K8S-042).

use crate::problem::{Debounce, Explanation, Problem, denied, refused, rejected};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 42,
    code: "webhook-denies",
    title: "A policy of the cluster refuses",
    symptom: "the API server refuses a pod or an object: an admission webhook or ValidatingAdmissionPolicy `denied`",
    debounce: Debounce::Now,
    symptoms: |snapshot| refused(snapshot, denied),
    matches_error: |error| rejected(error, denied),
    explain: |_| {
        Explanation::new(
            "a policy of this cluster refuses the object",
            [
                "change what the message names: it is the policy's own words",
                "a host that is in use elsewhere: choose another under `expose.hosts`",
                "or ask the cluster's owner, who made the policy",
            ],
        )
        .look("kubectl get validatingwebhookconfigurations,validatingadmissionpolicies".to_owned())
    },
};
