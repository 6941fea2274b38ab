//! From a verified body to what it reports.

mod bitbucket;
mod bitbucket_server;
mod fields;
mod gitea;
mod github;
mod gitlab;
mod origin;
mod parse;
mod payload;

use crate::{
    error::Unreadable,
    headers::{FORGEJO_DELIVERY, FORGEJO_EVENT, GITEA_DELIVERY, GITEA_EVENT},
};
use http::HeaderMap;
use windlass_model::{delivery::Report, forge::ForgeKind};

/// Reads a request that [`verify`](crate::verify()) accepted. An event that deploys nothing is
/// [`Change::Ignored`](windlass_model::delivery::Change::Ignored), whatever its body is.
///
/// # Errors
/// Names the field of an event that should have been understood. Nothing of such a delivery may be used.
pub fn read(kind: ForgeKind, headers: &HeaderMap, body: &[u8]) -> Result<Report, Unreadable> {
    match kind {
        ForgeKind::Github => github::read(headers, body),
        ForgeKind::Gitlab => gitlab::read(headers, body),
        ForgeKind::Bitbucket => bitbucket::read(headers, body),
        ForgeKind::BitbucketServer => bitbucket_server::read(headers, body),
        ForgeKind::Gitea => gitea::read(&[GITEA_EVENT], &[GITEA_DELIVERY], headers, body),
        ForgeKind::Forgejo => {
            let events = [FORGEJO_EVENT, GITEA_EVENT];
            gitea::read(&events, &[FORGEJO_DELIVERY, GITEA_DELIVERY], headers, body)
        }
    }
}

#[cfg(test)]
mod tests;
