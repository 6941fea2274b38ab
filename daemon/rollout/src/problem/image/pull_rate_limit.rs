//! The registry allows no more pulls for now (WL-K8S-006).

use crate::problem::{Debounce, Explanation, PULL, Problem, has, no_answer, status, waiting};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 6,
    code: "pull-rate-limit",
    title: "The registry allows no more pulls for now",
    symptom: "a container waits with ErrImagePull or ImagePullBackOff, and the message says `toomanyrequests` or 429",
    debounce: Debounce::Likely(60),
    symptoms: |snapshot| {
        waiting(snapshot, PULL, |text| {
            has(text, &["toomanyrequests", "too many requests"]) || status(text, &["429"])
        })
    },
    matches_error: no_answer,
    explain: |case| {
        Explanation::new(
            format!("the registry has let the node pull too often, and {} waits", case.image()),
            [
                "log in: set a login for this host under `[[registries]]` in the daemon's configuration; limits of users are higher than those of addresses",
                "or let the nodes pull through a mirror",
            ],
        )
    },
};
