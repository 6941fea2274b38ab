//! Port of forges, as they are asked what became of pull requests.

use async_trait::async_trait;
use std::collections::BTreeSet;
use windlass_model::project::RepositorySpec;

/// Answer of a forge. Pull requests that are in neither set are open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PullStates {
    /// Numbers of pull requests that the forge says were closed or merged.
    pub ended: BTreeSet<u64>,
    /// Numbers of those of which nothing is known.
    pub unknown: BTreeSet<u64>,
    /// The reason for which nothing is known of some, masked. Empty means that the forge was asked about all.
    pub why: String,
}

/// Reader of pull requests, with the login of their repository's forge.
#[async_trait]
pub trait PullRequests: Send + Sync {
    /// Asks the forge of a project's repository about pull requests, for a bounded time and by a bounded number of
    /// requests. An answer that is not understood, a refusal and a limit of rates leave open what became of them. Dropping
    /// the future ends the question.
    async fn pull_states(
        &self,
        project: &str,
        repository: &RepositorySpec,
        numbers: &BTreeSet<u64>,
    ) -> PullStates;
}
