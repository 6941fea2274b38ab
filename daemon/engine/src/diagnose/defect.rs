//! Diagnosis of a defect of Windlass.

use super::code::Code;
use crate::failure::{Cause, Failure};
use windlass_model::diagnosis::Diagnosis;

pub(super) fn known(failure: &Failure) -> Option<Diagnosis> {
    let Cause::Panicked(message) = &failure.cause else { return None };
    Some(Diagnosis {
        code: Code::InternalError.into(),
        subject: "windlassd".into(),
        what: "Windlass itself failed; other jobs go on".into(),
        why: message.clone(),
        fixes: vec![
            "submit again: what ran before still serves".into(),
            "report it with the daemon's log of this time, which names the place".into(),
        ],
        ..Diagnosis::default()
    })
}
