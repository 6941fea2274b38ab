//! Signatures that are an HMAC-SHA256 in hexadecimal digits.

use crate::{
    error::Unverified,
    mac::{is_signed, keyed},
};

/// Verifies the digits that a header has.
pub(super) fn verify(
    header: &'static str,
    digits: &str,
    signed: &[u8],
    secrets: &[&[u8]],
) -> Result<(), Unverified> {
    let problem = "is no HMAC-SHA256 in hexadecimal digits";
    let code = hex::decode(digits).map_err(|_| Unverified::Malformed { header, problem })?;
    if is_signed(&keyed(secrets), &[signed], &[code]) {
        Ok(())
    } else {
        Err(Unverified::Mismatch { header })
    }
}
