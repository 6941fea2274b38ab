//! The node does not trust the registry (WL-K8S-004).

use crate::problem::{Debounce, Explanation, PULL, Problem, has, no_answer, waiting};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 4,
    code: "registry-not-trusted",
    title: "The node does not trust the registry",
    symptom: "a container waits with ErrImagePull or ImagePullBackOff, and the message says `x509`, or that an HTTP answer came to an HTTPS client",
    debounce: Debounce::Now,
    symptoms: |snapshot| {
        waiting(snapshot, PULL, |text| {
            has(text, &["x509", "http response to https", "certificate"])
        })
    },
    matches_error: no_answer,
    explain: |case| {
        Explanation::new(
            format!("the node does not trust the registry of {}", case.image()),
            [
                "install the registry's CA on the nodes, for containerd in `certs.d/<registry>/hosts.toml`",
                "a registry without TLS must be named there with `http://`",
            ],
        )
    },
};
