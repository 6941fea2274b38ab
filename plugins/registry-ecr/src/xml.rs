//! Texts in answers of STS, which are XML.

/// Returns the text between two marks, for values that are no secrets.
pub(crate) fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    text.split_once(from)?.1.split_once(to).map(|(inside, _)| inside)
}
