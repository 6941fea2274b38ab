//! Diagnosis of a failed release whose rollback failed too: the one case in which what ran before may not
//! serve.

use super::code::Code;
use crate::failure::{Cause, Failure};
use windlass_model::diagnosis::Diagnosis;

pub(super) fn known(failure: &Failure) -> Option<Diagnosis> {
    let Cause::Stuck { first, .. } = &failure.cause else { return None };
    let mut diagnosis = (**first).clone();
    diagnosis.code = Code::RollbackFailed.into();
    diagnosis.what = failure.cause.to_string();
    diagnosis
        .fixes
        .insert(0, "look at the app now: it may not serve; then `windlass rollback`".into());
    Some(diagnosis)
}
