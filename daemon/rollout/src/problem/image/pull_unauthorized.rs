//! The node has no login for the registry (WL-K8S-002).

use crate::problem::{
    Debounce, Explanation, PULL, Problem, has, no_answer, once_the_secret_is_there, status, waiting,
};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 2,
    code: "pull-unauthorized",
    title: "The node has no login for the registry",
    symptom: "a container waits with ErrImagePull or ImagePullBackOff, and the message says 401, `unauthorized`, `no basic auth` or `failed to authorize`",
    debounce: Debounce::Now,
    symptoms: |snapshot| {
        let mut symptoms = waiting(snapshot, PULL, |text| {
            has(text, &["unauthorized", "no basic auth", "failed to authorize"])
                || status(text, &["401"])
        });
        once_the_secret_is_there(snapshot, &mut symptoms);
        symptoms
    },
    matches_error: no_answer,
    explain: |case| {
        Explanation::new(
            format!("the cluster may not pull {}", case.image()),
            [
                "set `username` and `password-file` for this host under `[[registries]]` in the daemon's configuration: the pull secret is made from it",
                "or give the nodes a credential of their own for this registry",
            ],
        )
    },
};
