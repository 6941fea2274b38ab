//! A key is missing in a ConfigMap or Secret (WL-K8S-011).

use crate::problem::{CREATE, Debounce, Explanation, Problem, no_answer, waiting};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 11,
    code: "config-key-missing",
    title: "A key is missing in a ConfigMap or Secret",
    symptom: "a container waits with CreateContainerConfigError, and the message says `couldn't find key`",
    debounce: Debounce::Now,
    symptoms: |snapshot| waiting(snapshot, CREATE, |text| text.contains("couldn't find key")),
    matches_error: no_answer,
    explain: |case| {
        Explanation::new(
            format!(
                "a pod of {} needs key `{}`, which its object lacks",
                case.release.app,
                case.word_after("find key ")
            ),
            [
                "somebody changed the object after it was applied: submit or roll back again, which puts it back",
                "in a manifest of your own: add the key to the object, or correct its name",
            ],
        )
    },
};
