//! Bodies that are a form, with the JSON in the field `payload`. GitHub's hooks are so unless they are set otherwise.

use crate::error::Unreadable;
use http::{HeaderMap, header::CONTENT_TYPE};
use std::borrow::Cow;

/// Field of the form that holds the JSON.
const PAYLOAD: &str = "payload";
/// Content type of forms.
const FORM: &str = "application/x-www-form-urlencoded";

/// Returns whether the body is a form.
pub(crate) fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(FORM)
}

/// Returns the JSON of a form. `None` means that the form has no such field.
pub(crate) fn payload(form: &[u8]) -> Option<Cow<'_, [u8]>> {
    let (_, value) = form_urlencoded::parse(form).find(|(name, _)| &**name == PAYLOAD)?;
    Some(match value {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    })
}

/// Returns the JSON of a body that may be a form.
pub(crate) fn json<'a>(headers: &HeaderMap, body: &'a [u8]) -> Result<Cow<'a, [u8]>, Unreadable> {
    if !is_form(headers) {
        return Ok(Cow::Borrowed(body));
    }
    payload(body).ok_or_else(|| {
        let problem = "is missing in the form: set the hook's content type to `application/json`";
        Unreadable::new(PAYLOAD, problem)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(kind: &str) -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_TYPE, kind.parse().unwrap())])
    }

    #[test]
    fn json_is_taken_from_a_form_alone() {
        let form = b"a=1&payload=%7B%22a%22%3A+%22%C3%A9%22%7D&payload=second";
        let kind = headers("Application/X-WWW-Form-Urlencoded; charset=utf-8");
        assert_eq!(json(&kind, form).unwrap(), "{\"a\": \"é\"}".as_bytes());
        assert_eq!(json(&headers("application/json"), form).unwrap(), &form[..]);
        assert_eq!(json(&HeaderMap::new(), form).unwrap(), &form[..]);
        let error = json(&kind, b"{}").unwrap_err().to_string();
        assert!(error.starts_with("`payload` of the webhook is missing in the form"), "{error}");
    }
}
