//! Journal of one job, as its run writes it.

use async_trait::async_trait;
use thiserror::Error;
use windlass_model::{
    app::App, contraction::Contraction, event::Event, job::Release, pause::Interventions,
};

/// End of a run that is not the end of its job. The run stops at once and touches nothing more; the job's owner resumes it
/// from the journal.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum JournalLost {
    /// Another daemon owns the job.
    #[error("the journal takes no more from this run, since another daemon owns the job: {0}")]
    Fenced(String),
    /// Somebody else has the lease of the app in a cluster: the run was away for too long.
    #[error("the run touches nothing more, since somebody else works on the app now: {0}")]
    Overtaken(String),
    /// The store cannot be written or read.
    #[error("the journal takes no more from this run: {0}")]
    Unavailable(String),
    /// A row that the job needs cannot be read by this daemon. Another try would read the same row.
    #[error("the journal of this job cannot be read: {0}")]
    Unreadable(String),
}

/// Journal of one job, and the releases that all jobs of its app left.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Appends an event, and returns once it is stored. A log line may be stored later: in order, and before the next
    /// other event is.
    ///
    /// # Errors
    /// [`JournalLost`] means that nothing more will be stored.
    async fn append(&self, event: Event) -> Result<(), JournalLost>;
    /// Waits until a log line is refused after [`Journal::append`] took it. A journal that stores each line before it
    /// returns waits for ever.
    async fn lost(&self) -> JournalLost {
        std::future::pending().await
    }
    /// Returns the app's last release that succeeded in a cluster: a rollback in that cluster leads to it.
    async fn last_release(&self, app: &App, cluster: &str) -> Result<Option<Release>, JournalLost>;
    /// Returns when a part of a migration of an app was done in a cluster, in milliseconds since 1970. The key names
    /// exactly what was done. `None` means that no job of the app did it. In a journal of work that nobody knows of there
    /// are none.
    async fn migrated(&self, _: &App, _: &str, _: &str) -> Result<Option<u64>, JournalLost> {
        Ok(None)
    }
    /// Returns the last contraction of an app's data in a cluster. `None` means that there was none. In a journal of work
    /// that nobody knows of there are none.
    async fn contraction(&self, _: &App, _: &str) -> Result<Option<Contraction>, JournalLost> {
        Ok(None)
    }
    /// Returns what people said about the job until now: approvals and pauses. In a journal of work that nobody knows of
    /// there are none.
    async fn interventions(&self) -> Result<Interventions, JournalLost> {
        Ok(Interventions::default())
    }
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
