//! Tests fail, or do not end.

use super::Diagnosis;
use crate::run::{Cause, Failure};

pub(super) fn known(failure: &Failure) -> Option<Diagnosis> {
    let (code, command, evidence, fix) = match &failure.cause {
        Cause::Tests { command, tail, .. } => (
            "tests-failed",
            command,
            tail.clone(),
            "fix the test or the code and commit again; nothing was released",
        ),
        Cause::TestsHang { command, .. } => (
            "tests-hang",
            command,
            Vec::new(),
            "end the tests, or raise `test.timeout-seconds`; nothing was released",
        ),
        _ => return None,
    };
    Some(Diagnosis {
        code: code.into(),
        subject: command.join(" "),
        what: failure.cause.to_string(),
        fixes: vec![fix.into()],
        evidence,
        ..Diagnosis::default()
    })
}
