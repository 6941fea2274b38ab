//! Party at fault in a failure, and the result of a job in the words of OpenTelemetry's CI/CD conventions.

use windlass_model::outcome::{Outcome, Stop};

/// Codes of failures that the operator of the daemon mends. All others are of the app and its repository.
const OF_OPERATOR: [&str; 19] = [
    "builder-full",
    "builder-unreachable",
    "clone-failed",
    "cluster-not-trusted",
    "cluster-unknown",
    "cluster-unreachable",
    "egress-refused",
    "hook-failed",
    "internal-error",
    "metrics-not-configured",
    "no-cluster",
    "plugin-failed",
    "registry-denied",
    "registry-login-failed",
    "registry-not-trusted",
    "registry-unavailable",
    "registry-unreachable",
    "secret-sealed",
    "workspace-full",
];

/// Returns whether the operator of the daemon mends a failure of this code.
#[must_use]
pub fn is_of_operator(code: &str) -> bool {
    OF_OPERATOR.contains(&code)
}

/// Returns the convention's word for the result of a job: `cicd.pipeline.result`.
#[must_use]
pub fn result(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Succeeded(_) | Outcome::Removed(_) | Outcome::Contracted(_) => "success",
        Outcome::Failed(diagnosis) if is_of_operator(&diagnosis.code) => "error",
        Outcome::Failed(_) => "failure",
        Outcome::Stopped { why: Stop::Cancelled { .. }, .. } => "cancellation",
        Outcome::Stopped { why: Stop::Superseded { .. } | Stop::Outdated { .. }, .. } => "skip",
        Outcome::Stopped { why: Stop::Rejected { .. } | Stop::Aborted { .. }, .. } => {
            "cancellation"
        }
        Outcome::Stopped { why: Stop::TimedOut { .. } | Stop::NotApproved { .. }, .. } => "timeout",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain;
    use windlass_model::{diagnosis::Diagnosis, job::Stage};

    #[test]
    fn each_code_of_an_operators_fault_is_one_that_there_is() {
        for code in OF_OPERATOR {
            assert!(explain::find(code).is_some(), "{code}");
        }
    }

    #[test]
    fn a_result_has_the_conventions_word() {
        let failed = |code: &str| {
            let code = code.to_owned();
            Outcome::Failed(Box::new(Diagnosis { code, ..Diagnosis::default() }))
        };
        let stopped = |why: Stop| Outcome::Stopped { at: Stage::Build, why };
        for (outcome, word) in [
            (failed("tests-failed"), "failure"),
            (failed("cluster-unreachable"), "error"),
            (failed("registry-unreachable"), "error"),
            (failed("own-registry-failed"), "failure"),
            (stopped(Stop::Cancelled { by: "ann".into() }), "cancellation"),
            (stopped(Stop::Superseded { by: "2".into() }), "skip"),
            (stopped(Stop::Aborted { by: "ann".into(), note: String::new() }), "cancellation"),
            (failed("metric-failed"), "failure"),
            (failed("metrics-not-configured"), "error"),
            (stopped(Stop::TimedOut { seconds: 1 }), "timeout"),
        ] {
            assert_eq!(result(&outcome), word);
        }
    }
}
