//! Commit that a revision leads to on the server now.

use crate::{
    protocol::FetchError,
    remote::{init, list, local, refused},
};
use windlass_model::revision::{Resolved, Revision, Unresolved, find};

/// Lists the server's refs and finds the revision among them. `to` is an empty folder.
pub(crate) fn resolve(url: &str, to: &str, revision: &Revision) -> Result<Resolved, FetchError> {
    let repository = init(to).map_err(|error| local(&error))?;
    let refs = list(&repository, url).map_err(|error| refused(&error))?;
    find(revision, &refs).map_err(|unresolved| match unresolved {
        Unresolved::Missing(message) => FetchError::NoRevision(message),
        Unresolved::Ambiguous(message) => FetchError::Ambiguous(message),
    })
}
