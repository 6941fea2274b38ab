//! An admission webhook does not answer (WL-K8S-043).

use crate::problem::{Debounce, Explanation, Problem, refused};
use windlass_model::error::{ClusterError, NotYet};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 43,
    code: "webhook-down",
    title: "An admission webhook does not answer",
    symptom: "the API server refuses a pod or an object: `failed calling webhook`",
    debounce: Debounce::Likely(60),
    symptoms: |snapshot| refused(snapshot, |text| text.contains("failed calling webhook")),
    matches_error: |error| matches!(error, ClusterError::NotYet { why: NotYet::Webhook, .. }),
    explain: |case| {
        Explanation::new(
            format!(
                "the cluster asks webhook `{}` about every object, and it does not answer",
                case.quoted()
            ),
            [
                "ask the cluster's owner: its pods are down, or its certificate has expired",
                "a webhook that may be missed has `failurePolicy: Ignore`",
            ],
        )
        .look(
            "kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations".to_owned(),
        )
    },
};
