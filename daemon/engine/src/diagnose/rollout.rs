//! Diagnoses of a hopeless rollout, and of an object that the API server refuses: the explanation is that of
//! the problem in `rollout`.

use crate::failure::{Cause, Failure};
use windlass_model::diagnosis::Diagnosis;
use windlass_rollout::report::{of_error, report};

pub(super) fn known(failure: &Failure) -> Option<Diagnosis> {
    match &failure.cause {
        Cause::Rollout { finding, release, evidence } => {
            Some(report(finding, release, evidence.clone()))
        }
        Cause::Applying { error, release } => Some(report(&of_error(error)?, release, Vec::new())),
        _ => None,
    }
}
