//! An error in a spec: the field, its value, and what is expected.

use thiserror::Error;

/// Something that was said and cannot be.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{field}: `{value}` {problem}")]
pub struct SpecError {
    /// The field's path, as in the request and in the file.
    pub field: String,
    /// What it said.
    pub value: String,
    /// What is expected.
    pub problem: String,
}

pub(super) type Checked = Result<(), SpecError>;

pub(super) fn fail<T>(field: &str, value: &str, problem: &str) -> Result<T, SpecError> {
    // What is long is long by mistake, and an error is read by people.
    let shown: String = value.chars().take(80).collect();
    Err(SpecError { field: field.into(), value: shown, problem: problem.into() })
}
