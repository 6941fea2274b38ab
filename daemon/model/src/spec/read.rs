//! Reads `windlass.toml`, and checks a spec.

use super::{FILE, Spec, SpecError, check};

impl Spec {
    /// Reads `windlass.toml`.
    ///
    /// # Errors
    /// [`SpecError`] with the line of what is no TOML or no known key, and for each rule of
    /// [`Spec::check`].
    pub fn from_toml(text: &str) -> Result<Self, SpecError> {
        let spec: Self = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let line = text.get(..at).map_or(0, |before| before.matches('\n').count()) + 1;
            SpecError {
                field: format!("{FILE}:{line}"),
                value: text.lines().nth(line - 1).unwrap_or_default().trim().to_owned(),
                problem: error.message().to_owned(),
            }
        })?;
        spec.check()
            .map_err(|error| SpecError { field: format!("{FILE}: {}", error.field), ..error })?;
        Ok(spec)
    }

    /// Checks each value by itself.
    ///
    /// # Errors
    /// [`SpecError`] for the first value that breaks its rule.
    pub fn check(&self) -> Result<(), SpecError> {
        check::all(self)
    }
}
