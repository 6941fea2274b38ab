//! The journal of one job, as its run writes it.

use async_trait::async_trait;
use thiserror::Error;
use windlass_model::{app::App, event::Event, job::Release};

/// The end of a run's right to its journal. The run stops at once and touches nothing more; the
/// job's owner resumes it from the journal.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum JournalLost {
    /// Another daemon owns the job.
    #[error("the journal takes no more from this run, since another daemon owns the job: {0}")]
    Fenced(String),
    /// The store takes nothing, or cannot be read.
    #[error("the journal takes no more from this run: {0}")]
    Unavailable(String),
}

/// Journal of one job, and the releases that all jobs of its app left.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Returns once the event is stored.
    ///
    /// # Errors
    /// [`JournalLost`]: nothing more will be stored.
    async fn append(&self, event: Event) -> Result<(), JournalLost>;
    /// Returns the app's last release that succeeded in a cluster: a rollback there leads to it.
    ///
    /// # Errors
    /// [`JournalLost`], where the store cannot be read.
    async fn last_release(&self, app: &App, cluster: &str) -> Result<Option<Release>, JournalLost>;
}

/// Journal that keeps nothing, for work that belongs to no job: dry runs, renewals, self-tests.
#[derive(Clone, Copy, Debug, Default)]
pub struct NullJournal;

#[async_trait]
impl Journal for NullJournal {
    async fn append(&self, _: Event) -> Result<(), JournalLost> {
        Ok(())
    }

    async fn last_release(&self, _: &App, _: &str) -> Result<Option<Release>, JournalLost> {
        Ok(None)
    }
}
