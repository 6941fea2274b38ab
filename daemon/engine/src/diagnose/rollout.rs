//! Diagnoses of a hopeless rollout, and of an object that the API server refuses: the explanation is that of
//! the problem in `rollout`.

use super::code::Code;
use crate::failure::{Cause, Failure};
use windlass_model::diagnosis::Diagnosis;
use windlass_rollout::report::{of_error, report};

pub(super) fn known(failure: &Failure) -> Option<Diagnosis> {
    match &failure.cause {
        Cause::Rollout { finding, release, evidence, registry } => {
            let mut diagnosis = report(finding, release, evidence.clone());
            // The other fixes are the operator's.
            if let Some(advice) = &registry.advice {
                diagnosis.fixes.insert(0, advice.clone());
            }
            // Nor is it for the operator that a registry of others is away.
            if registry.is_own && finding.problem.is_of_registry() {
                diagnosis.code = Code::OwnRegistryFailed.into();
                diagnosis.reference = String::new();
            }
            Some(diagnosis)
        }
        Cause::Applying { error, release } => Some(report(&of_error(error)?, release, Vec::new())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::PullRegistry;
    use windlass_model::{job::Stage, samples};
    use windlass_rollout::problem::{self, Finding, Problem};

    fn failed(problem: &'static Problem, registry: PullRegistry) -> Diagnosis {
        let finding = Box::new(Finding {
            problem,
            subject: "pod web-1".into(),
            process: "web".into(),
            message: "401".into(),
            exit: None,
        });
        let (release, evidence) = (Box::new(samples::release()), Vec::new());
        let cause = Cause::Rollout { finding, release, evidence, registry };
        known(&Failure { at: Stage::Release, cause }).unwrap()
    }

    #[test]
    fn a_refused_login_of_the_projects_own_is_renewed_first() {
        let advice = "renew it: windlass registry put shop ghcr.io".to_owned();
        let fixes = |advice: Option<String>| {
            failed(problem::forbidden(), PullRegistry { is_own: advice.is_some(), advice }).fixes
        };
        let operators = fixes(None);
        let both = fixes(Some(advice.clone()));
        assert_eq!(both.first(), Some(&advice));
        assert_eq!(both[1..], operators[..]);
    }

    /// Whoever brings a registry that is away has nobody else paged for it.
    #[test]
    fn a_registry_of_the_projects_own_that_is_away_has_a_code_of_its_own() {
        let away = |code: &str| {
            problem::by_number().into_iter().find(|problem| problem.code == code).unwrap()
        };
        for code in ["registry-unreachable", "registry-not-trusted"] {
            let operators = failed(away(code), PullRegistry::default());
            assert_eq!(operators.code, code);
            let own = failed(away(code), PullRegistry { is_own: true, advice: None });
            assert_eq!((&*own.code, &*own.reference), ("own-registry-failed", ""));
            assert_eq!(own.fixes, operators.fixes);
        }
        let own = PullRegistry { is_own: true, advice: None };
        assert_eq!(failed(away("app-crashes"), own).code, "app-crashes");
    }
}
