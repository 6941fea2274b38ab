//! Diagnoses of tests that fail, do not end, or are not run at all.

use super::code::Code;
use crate::failure::{Cause, Failure};
use windlass_model::diagnosis::Diagnosis;
use windlass_model::testing::TestSummary;

/// Number of failing tests that are shown.
const MOST: usize = 10;

pub(super) fn known(failure: &Failure) -> Option<Diagnosis> {
    let (code, command, evidence, fix) = match &failure.cause {
        Cause::Tests { command, tail, summary, .. } => (
            Code::TestsFailed,
            command,
            evidence(summary.as_deref(), tail),
            "fix the test or the code and commit again; nothing was released",
        ),
        Cause::TestsDied { command, tail, .. } => (
            Code::TestsDied,
            command,
            tail.clone(),
            "see its last words: a tool or a dependency is missing in the stage that tests run in, or the code does not load",
        ),
        Cause::NoTestsRan { command, tail, evidence } => (
            Code::NoTestsRan,
            command,
            evidence.iter().chain(tail).cloned().collect(),
            "name the command that runs them in `test.command`, or say `test.off`",
        ),
        Cause::TestsHang { command, tail, .. } => (
            Code::TestsHang,
            command,
            tail.clone(),
            "see its last words for the test that hangs: end it, or raise `test.timeout-seconds`; nothing was released",
        ),
        _ => return None,
    };
    let why = match &failure.cause {
        Cause::Tests { summary: Some(summary), .. } => summary.to_string(),
        _ => String::new(),
    };
    Some(Diagnosis {
        code: code.into(),
        subject: command.join(" "),
        what: failure.cause.to_string(),
        why,
        fixes: vec![fix.into()],
        evidence,
        ..Diagnosis::default()
    })
}

/// Returns each failing test with file, line and message, or the last lines where no plugin could read them.
fn evidence(summary: Option<&TestSummary>, tail: &[String]) -> Vec<String> {
    let failures = summary.map(|summary| &*summary.failures).unwrap_or_default();
    if failures.is_empty() {
        return tail.to_vec();
    }
    let mut lines: Vec<_> = failures.iter().take(MOST).map(ToString::to_string).collect();
    if let Some(more) = failures.len().checked_sub(MOST).filter(|more| *more > 0) {
        lines.push(format!("and {more} more"));
    }
    lines
}
