//! An error in a spec: the field, its value, and what is expected.

use thiserror::Error;

/// A value of a spec that is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{field}: `{value}` {problem}")]
pub struct SpecError {
    /// The field's path, as in the request and in the file.
    pub field: String,
    /// The value, of a long one the beginning.
    pub value: String,
    /// The fault of the value, and what is expected.
    pub problem: String,
}

pub(super) type Checked = Result<(), SpecError>;

pub(super) fn fail<T>(field: &str, value: &str, problem: &str) -> Result<T, SpecError> {
    // A long value is long by mistake, and people read the error.
    let shown: String = value.chars().take(80).collect();
    Err(SpecError { field: field.into(), value: shown, problem: problem.into() })
}

/// Checks that a number is within bounds. `None` is.
pub(super) fn within(field: &str, value: Option<u32>, least: u32, most: u32) -> Checked {
    match value {
        Some(value) if !(least..=most).contains(&value) => {
            fail(field, &value.to_string(), &format!("must be {least} to {most}"))
        }
        _ => Ok(()),
    }
}
