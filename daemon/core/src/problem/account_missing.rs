//! The ServiceAccount is missing (kubernetes 41).

use super::{Patience, Problem, Words, no_answer, refused};

pub(super) const PROBLEM: &Problem = &Problem {
    number: 41,
    code: "account-missing",
    title: "The ServiceAccount is missing",
    seen: "the API server refuses a pod: `serviceaccount … not found`",
    patience: Patience::After(10),
    signs: |seen| {
        refused(seen, |text| text.contains("serviceaccount") && text.contains("not found"))
    },
    answers: no_answer,
    words: |case| {
        Words::new(
            format!(
                "the pods are to run as ServiceAccount `{}`, which is not there",
                case.quoted()
            ),
            [
                "make it in this namespace, or correct `service-account.name`",
                "without `service-account.name` Windlass makes one for the app",
            ],
        )
        .look(format!("kubectl --namespace {} get serviceaccounts", case.namespace()))
    },
};
