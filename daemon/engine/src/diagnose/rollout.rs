//! Diagnoses of a hopeless rollout, and of an object that the API server refuses: the explanation is that of
//! the problem in `rollout`.

use crate::failure::{Cause, Failure};
use windlass_model::diagnosis::Diagnosis;
use windlass_rollout::report::{of_error, report};

pub(super) fn known(failure: &Failure) -> Option<Diagnosis> {
    match &failure.cause {
        Cause::Rollout { finding, release, evidence, renewal } => {
            let mut diagnosis = report(finding, release, evidence.clone());
            // The other fixes are the operator's.
            if let Some(renewal) = renewal {
                diagnosis.fixes.insert(0, renewal.clone());
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
    use windlass_model::{job::Stage, samples};
    use windlass_rollout::problem::{self, Finding};

    #[test]
    fn a_refused_login_of_the_projects_own_is_renewed_first() {
        let advice = "renew it: windlass registry put shop ghcr.io".to_owned();
        let fixes = |renewal: Option<String>| {
            let finding = Box::new(Finding {
                problem: problem::forbidden(),
                subject: "pod web-1".into(),
                process: "web".into(),
                message: "401".into(),
                exit: None,
            });
            let (release, evidence) = (Box::new(samples::release()), Vec::new());
            let cause = Cause::Rollout { finding, release, evidence, renewal };
            known(&Failure { at: Stage::Release, cause }).unwrap().fixes
        };
        let operators = fixes(None);
        let both = fixes(Some(advice.clone()));
        assert_eq!(both.first(), Some(&advice));
        assert_eq!(both[1..], operators[..]);
    }
}
