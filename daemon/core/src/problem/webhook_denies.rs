//! A policy of the cluster refuses (kubernetes 42).

use super::{Patience, Problem, Words, denied, refused, rejected};

pub(super) const PROBLEM: &Problem = &Problem {
    number: 42,
    code: "webhook-denies",
    title: "A policy of the cluster refuses",
    seen: "the API server refuses a pod or an object: an admission webhook or ValidatingAdmissionPolicy `denied`",
    patience: Patience::Now,
    signs: |seen| refused(seen, denied),
    answers: |error| rejected(error, denied),
    words: |_| {
        Words::new(
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
