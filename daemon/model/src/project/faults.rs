//! Faults of a project's file, collected: whoever wrote it sees all of them at once.

use crate::{app::NameError, spec::SpecError};

/// Faults that are reported at most. Those beyond are left out.
const MOST: usize = 100;

/// Characters of a value that an error shows.
const LONGEST_VALUE: usize = 80;

/// Bytes of the longest name that is compared with known ones.
const LONGEST_NAME: usize = 64;

/// Changes between two names that are taken for one typing error, unless they are half of the name.
const NEAR: usize = 2;

/// Faults so far.
#[derive(Default)]
pub(super) struct Faults(Vec<SpecError>);

impl Faults {
    /// Adds a fault.
    pub(super) fn add(&mut self, field: &str, value: &str, problem: impl Into<String>) {
        if self.0.len() < MOST {
            self.0.push(fault(field, value, problem));
        }
    }

    /// Adds the fault of a name, if it has one.
    pub(super) fn name(&mut self, checked: Result<(), NameError>) {
        if let Err(NameError { field, value, problem }) = checked {
            self.add(&field, &value, problem);
        }
    }

    /// Returns the faults as an error.
    pub(super) fn into_result(self) -> Result<(), Vec<SpecError>> {
        if self.0.is_empty() { Ok(()) } else { Err(self.0) }
    }
}

/// Makes a fault. A long value is long by mistake, and cut.
pub(super) fn fault(field: &str, value: &str, problem: impl Into<String>) -> SpecError {
    let value = value.chars().take(LONGEST_VALUE).collect();
    SpecError { field: field.into(), value, problem: problem.into() }
}

/// Returns the known name that is nearest to another one. `None` means that none is near.
pub(super) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > LONGEST_NAME {
        return None;
    }
    let distance = |own: &'a str| (strsim::damerau_levenshtein(own, name), own);
    let near = known.into_iter().map(distance).min();
    let is_near = |distance| distance <= NEAR && 2 * distance < name.len();
    near.filter(|(distance, _)| is_near(*distance)).map(|(_, own)| own)
}

/// Returns a question that names the nearest known name. Empty means that none is near.
pub(super) fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, known).map(|own| format!(": did you mean `{own}`?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_is_recognised_and_another_word_is_not() {
        let known = ["web", "worker"];
        assert_eq!(did_you_mean("wbe", known), ": did you mean `web`?");
        assert_eq!(did_you_mean("wrker", known), ": did you mean `worker`?");
        assert_eq!(did_you_mean("database", known), "");
        assert_eq!(did_you_mean("qa", ["ci"]), "");
        assert_eq!(did_you_mean(&"web".repeat(100), known), "");
        assert_eq!(did_you_mean("web", []), "");
    }

    #[test]
    fn many_faults_and_long_values_are_cut() {
        let mut faults = Faults::default();
        for _ in 0..1000 {
            faults.add("apps", &"x".repeat(1000), "is wrong");
        }
        let all = faults.into_result().unwrap_err();
        assert_eq!((all.len(), all[0].value.len()), (MOST, LONGEST_VALUE));
    }
}
