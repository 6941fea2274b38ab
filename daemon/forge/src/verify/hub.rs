//! GitHub's scheme, which both Bitbuckets share: `sha256=` and the digits, over the raw body. A form is signed as it is
//! sent.

use super::digest;
use crate::{error::Unverified, headers::one};
use http::HeaderMap;

/// Beginning of the header's value.
const PREFIX: &str = "sha256=";

pub(super) fn verify(
    header: &'static str,
    headers: &HeaderMap,
    body: &[u8],
    secrets: &[&[u8]],
) -> Result<(), Unverified> {
    let malformed = |problem| Unverified::Malformed { header, problem };
    let value = one(headers, header).map_err(malformed)?;
    let value = value.ok_or(Unverified::Unsigned { header })?;
    let digits = value.strip_prefix(PREFIX);
    let digits = digits.ok_or_else(|| malformed("does not begin with `sha256=`"))?;
    digest::verify(header, digits, body, secrets)
}
