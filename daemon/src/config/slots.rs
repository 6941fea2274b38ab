//! Limits of the work that jobs do at once.

use schemars::JsonSchema;
use serde::Deserialize;

/// Numbers of slots, by kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Slots {
    /// Commits that are fetched and looked at. A tree keeps its place until its build begins, so this also bounds
    /// the trees on the disk: that many wait for a builder.
    pub(crate) checkouts: usize,
    /// Images that are built, tested and pushed. A release does not count: it takes no builder.
    pub(crate) builds: usize,
    /// Releases in each cluster, from the plan to the end of the rollout or of its rollback.
    pub(crate) releases: usize,
    /// Jobs that have begun and not ended, whatever they do or wait for. Others wait in the journal.
    pub(crate) running: usize,
}

impl Default for Slots {
    fn default() -> Self {
        Self { checkouts: 4, builds: 4, releases: 50, running: 1000 }
    }
}
