//! The journal of one job, as its run writes it.

use async_trait::async_trait;
use thiserror::Error;
use windlass_model::{app::App, event::Event, job::Release};

/// This daemon may no longer speak for the job. Whoever may goes on from the journal.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("the journal takes no more from this run: {0}")]
pub struct JournalLost(pub String);

/// Where a job's events go, and what they add up to.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Returns once the event is stored.
    ///
    /// # Errors
    /// [`JournalLost`] when this daemon may not speak for the job any more, or the store takes nothing.
    async fn append(&self, event: Event) -> Result<(), JournalLost>;
    /// The app's last release that succeeded in a cluster: what a way back there leads to.
    async fn last_release(&self, app: &App, cluster: &str) -> Result<Option<Release>, JournalLost>;
}
