//! GitLab's two schemes: a signing token by Standard Webhooks, and the secret in plain, which proves nothing of the
//! body. A hook may have either or both, with different values.

use crate::{
    error::Unverified,
    headers::{GITLAB_TOKEN, WEBHOOK_SIGNATURE, one},
    standard_webhooks::{self, Key},
};
use http::HeaderMap;
use subtle::{Choice, ConstantTimeEq};

/// Verifies by whatever the request has. Either is enough: who can leave out the signature gains nothing by it.
pub(super) fn verify(
    headers: &HeaderMap,
    body: &[u8],
    secrets: &[&[u8]],
    now_ms: u64,
) -> Result<(), Unverified> {
    let by_token = token(headers, secrets);
    if !headers.contains_key(WEBHOOK_SIGNATURE) {
        return by_token;
    }
    // GitLab takes no other form. A secret of another form was entered as the plain token.
    let keys: Vec<_> = secrets.iter().filter_map(|secret| Key::parse(secret).ok()).collect();
    let by_signature = standard_webhooks::verify(&keys, headers, body, now_ms);
    by_signature.or_else(|error| by_token.map_err(|_| error))
}

fn token(headers: &HeaderMap, secrets: &[&[u8]]) -> Result<(), Unverified> {
    let header = GITLAB_TOKEN;
    let token = one(headers, header);
    let token = token.map_err(|problem| Unverified::Malformed { header, problem })?;
    let token = token.ok_or(Unverified::Unsigned { header })?;
    let mut is_found = Choice::from(0);
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        is_found |= token.as_bytes().ct_eq(secret);
    }
    if bool::from(is_found) { Ok(()) } else { Err(Unverified::Mismatch { header }) }
}
