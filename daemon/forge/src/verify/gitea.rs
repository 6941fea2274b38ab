//! The scheme of Gitea and Forgejo: digits without a prefix. Of a form, they sign the JSON alone.

use super::digest;
use crate::{error::Unverified, form, headers::one};
use http::HeaderMap;
use std::borrow::Cow;

/// Verifies the first of the headers that the request has.
pub(super) fn verify(
    names: &[&'static str],
    headers: &HeaderMap,
    body: &[u8],
    secrets: &[&[u8]],
) -> Result<(), Unverified> {
    let signed = if form::is_form(headers) {
        let problem = "is that of a form, and the form has no field `payload`";
        let header = "content-type";
        form::payload(body).ok_or(Unverified::Malformed { header, problem })?
    } else {
        Cow::Borrowed(body)
    };
    for &header in names {
        let value = one(headers, header);
        let value = value.map_err(|problem| Unverified::Malformed { header, problem })?;
        if let Some(digits) = value {
            return digest::verify(header, digits, &signed, secrets);
        }
    }
    let header = names.first().copied().unwrap_or_default();
    Err(Unverified::Unsigned { header })
}
