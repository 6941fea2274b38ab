//! A rollout that is hopeless, or an object that the API server does not take: the words are those
//! of the problem that it is.

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
