//! The Journal port, and reading what it wrote.

use crate::{Store, StoreError, store::from_json, writer::Write};
use async_trait::async_trait;
use sqlx::Row;
use tokio::sync::oneshot;
use windlass_engine::{
    journal::{Journal, JournalLost},
    records::Recorded,
};
use windlass_model::{app::App, event::Event, job::Release};

/// One job's journal.
pub struct JobJournal {
    store: Store,
    job: String,
}

impl Store {
    /// The journal that a job's run writes to.
    #[must_use]
    pub fn journal(&self, job: &str) -> JobJournal {
        JobJournal { store: self.clone(), job: job.into() }
    }

    /// Stores one event of a job.
    ///
    /// # Errors
    /// When the job has ended, or the store takes nothing.
    pub async fn append(&self, job: &str, event: Event) -> Result<(), StoreError> {
        let (done, stored) = oneshot::channel();
        let gone = || StoreError::Other("the writer is gone".into());
        let write = Write { job: job.into(), event, done };
        self.writes.send(write).await.map_err(|_| gone())?;
        stored.await.map_err(|_| gone())?
    }

    /// A job's events after `seq`, at most `limit`.
    ///
    /// # Errors
    /// What the store says.
    pub async fn events(
        &self,
        job: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Recorded>, StoreError> {
        let select =
            "SELECT seq, at_ms, event FROM events WHERE job = ? AND seq > ? ORDER BY seq LIMIT ?";
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let rows =
            sqlx::query(select).bind(job).bind(after).bind(limit).fetch_all(&self.pool).await?;
        rows.iter().map(|row| recorded(job, row)).collect()
    }

    /// All of a job's events that decide where it stands: without the lines of its tools.
    ///
    /// # Errors
    /// What the store says.
    pub async fn past(&self, job: &str) -> Result<Vec<Recorded>, StoreError> {
        let select =
            "SELECT seq, at_ms, event FROM events WHERE job = ? AND is_log = 0 ORDER BY seq";
        let rows = sqlx::query(select).bind(job).fetch_all(&self.pool).await?;
        rows.iter().map(|row| recorded(job, row)).collect()
    }
}

fn recorded(job: &str, row: &sqlx::sqlite::SqliteRow) -> Result<Recorded, StoreError> {
    let seq: i64 = row.try_get("seq")?;
    let at_ms: i64 = row.try_get("at_ms")?;
    let event = from_json(&format!("event {seq} of job {job}"), row.try_get("event")?)?;
    let unsigned = |value: i64| u64::try_from(value).unwrap_or_default();
    Ok(Recorded { seq: unsigned(seq), at_ms: unsigned(at_ms), event })
}

#[async_trait]
impl Journal for JobJournal {
    async fn append(&self, event: Event) -> Result<(), JournalLost> {
        self.store
            .append(&self.job, event)
            .await
            .map_err(|error| JournalLost::Unavailable(error.to_string()))
    }

    async fn last_release(&self, app: &App, cluster: &str) -> Result<Option<Release>, JournalLost> {
        self.store
            .last_release(app, cluster)
            .await
            .map_err(|error| JournalLost::Unavailable(error.to_string()))
    }
}
