//! The login at the registry may not pull this image (WL-K8S-003).

use crate::problem::{
    Debounce, Explanation, PULL, Problem, has, no_answer, once_the_secret_is_there, status, waiting,
};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 3,
    code: "pull-denied",
    title: "The login at the registry may not pull this image",
    symptom: "a container waits with ErrImagePull or ImagePullBackOff, and the message says 403, `denied` or `insufficient_scope`",
    debounce: Debounce::Now,
    symptoms: |snapshot| {
        let mut symptoms = waiting(snapshot, PULL, |text| {
            !has(text, &["no basic auth"])
                && (has(text, &["denied", "insufficient_scope"]) || status(text, &["403"]))
        });
        // Many registries answer so to a client without a login.
        once_the_secret_is_there(snapshot, &mut symptoms);
        symptoms
    },
    matches_error: no_answer,
    explain: |case| {
        Explanation::new(
            format!("the registry knows the login and does not let it pull {}", case.image()),
            [
                "let this account read the repository, in the registry's settings",
                "check the name of `registry` in the daemon's configuration: many registries say `denied` of what is not there",
            ],
        )
    },
};
