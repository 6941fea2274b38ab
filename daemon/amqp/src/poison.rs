//! Messages that no retry mends: the reason, the field, and what is expected.

use windlass_api::WrongField;
use windlass_service::ServiceError;

/// Bytes of the longest sentence. Headers must fit into one frame of the protocol.
const LONGEST: usize = 2048;

/// Reason why a message cannot become a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Poison {
    /// Stable code: `unreadable`, `too-large`, `field-invalid`, `permission-denied` …
    pub(crate) reason: String,
    /// Path of the field in the body, or name of the property. Empty means the message as a whole.
    pub(crate) field: String,
    /// Sentence for people: the fault, what is expected, and what to do.
    pub(crate) detail: String,
}

impl Poison {
    /// Makes a reason. A sentence that is too long is cut at a character.
    pub(crate) fn new(reason: &str, field: &str, detail: &str) -> Self {
        let cut = |text: &str| text.chars().scan(0, fits).collect::<String>();
        Self { reason: reason.to_owned(), field: cut(field), detail: cut(detail) }
    }

    /// Makes the reason for a body that is no request.
    pub(crate) fn unreadable(field: &str, detail: &str) -> Self {
        Self::new("unreadable", field, detail)
    }

    /// Makes the reason for a field.
    pub(crate) fn field(field: &str, detail: &str) -> Self {
        Self::new("field-invalid", field, detail)
    }
}

/// Passes a character on while the text fits.
fn fits(length: &mut usize, character: char) -> Option<char> {
    *length += character.len_utf8();
    (*length <= LONGEST).then_some(character)
}

impl From<WrongField> for Poison {
    fn from(wrong: WrongField) -> Self {
        Self::field(&wrong.field, &wrong.message)
    }
}

impl From<&ServiceError> for Poison {
    fn from(error: &ServiceError) -> Self {
        let field = match error {
            ServiceError::Invalid { field, .. } => field.as_str(),
            ServiceError::NotFound { .. } => "id",
            ServiceError::Forbidden { .. } => "app.project",
            _ => "",
        };
        let fixes = error.fixes();
        let detail = match fixes.first() {
            Some(fix) => format!("{error}: {fix}"),
            None => error.to_string(),
        };
        Self::new(error.reason(), field, &detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_service::Verb;

    #[test]
    fn an_error_of_a_use_case_has_its_code_and_its_field() {
        let invalid = ServiceError::Invalid {
            field: "source.commit".into(),
            value: "main".into(),
            expected: "must be 40 hex digits".into(),
        };
        let forbidden = ServiceError::Forbidden {
            caller: "queue".into(),
            verb: Verb::Deploy,
            project: "shop".into(),
        };
        for (error, reason, field, detail) in [
            (invalid, "field-invalid", "source.commit", "`main` must be 40 hex digits"),
            (forbidden, "permission-denied", "app.project", "ask the operator"),
        ] {
            let poison = Poison::from(&error);
            assert_eq!((&*poison.reason, &*poison.field), (reason, field));
            assert!(poison.detail.contains(detail), "{}", poison.detail);
        }
    }

    #[test]
    fn a_long_sentence_is_cut_at_a_character() {
        let poison = Poison::unreadable("body", &"ü".repeat(5000));
        assert_eq!(poison.detail.len(), LONGEST);
    }
}
