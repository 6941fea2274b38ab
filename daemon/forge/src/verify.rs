//! Proof that a request comes from who knows the hook's secret.

mod digest;
mod gitea;
mod gitlab;
mod hub;

use crate::{
    error::Unverified,
    headers::{FORGEJO_SIGNATURE, GITEA_SIGNATURE, HUB_SIGNATURE, HUB_SIGNATURE_256},
};
use http::HeaderMap;
use windlass_model::forge::ForgeKind;

/// Verifies a request by its raw bytes, before anything of them is read. One of the secrets must fit: the current one
/// and, while it is replaced, the one before. All are tried in constant time, and an empty one never fits.
///
/// # Errors
/// Says which header does not prove it, for the operator. Who sent the request should learn nothing.
pub fn verify(
    kind: ForgeKind,
    headers: &HeaderMap,
    body: &[u8],
    secrets: &[&[u8]],
    now_ms: u64,
) -> Result<(), Unverified> {
    if secrets.iter().all(|secret| secret.is_empty()) {
        return Err(Unverified::NoSecret);
    }
    match kind {
        ForgeKind::Github => hub::verify(HUB_SIGNATURE_256, headers, body, secrets),
        ForgeKind::Gitlab => gitlab::verify(headers, body, secrets, now_ms),
        ForgeKind::Bitbucket | ForgeKind::BitbucketServer => {
            hub::verify(HUB_SIGNATURE, headers, body, secrets)
        }
        ForgeKind::Gitea => gitea::verify(&[GITEA_SIGNATURE], headers, body, secrets),
        ForgeKind::Forgejo => {
            gitea::verify(&[FORGEJO_SIGNATURE, GITEA_SIGNATURE], headers, body, secrets)
        }
    }
}

#[cfg(test)]
mod tests;
