//! The ServiceAccount is missing (WL-K8S-041).

use crate::problem::{Debounce, Explanation, Problem, no_answer, refused};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 41,
    code: "account-missing",
    title: "The ServiceAccount is missing",
    symptom: "the API server refuses a pod: `serviceaccount … not found`",
    debounce: Debounce::After(10),
    symptoms: |snapshot| {
        refused(snapshot, |text| text.contains("serviceaccount") && text.contains("not found"))
    },
    matches_error: no_answer,
    explain: |case| {
        Explanation::new(
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
