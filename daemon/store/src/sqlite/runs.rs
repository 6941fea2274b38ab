//! Jobs for the daemon that runs them: claims, the journal, and replay.

use super::{
    SqliteStore,
    rows::{EVENTS, JOBS, record, recorded, unsigned},
    writer::Write,
};
use crate::error::OrStore;
use async_trait::async_trait;
use sqlx::Row;
use tokio::sync::oneshot;
use windlass_engine::ports::store::{Claim, JobRecord, Replay, Runs, StoreError};
use windlass_model::event::Event;

#[async_trait]
impl Runs for SqliteStore {
    async fn unfinished(&self) -> Result<Vec<JobRecord>, StoreError> {
        let select = sqlx::AssertSqlSafe(format!("{JOBS} WHERE ended = 0 ORDER BY id"));
        let rows = sqlx::query(select).fetch_all(&self.pool).await.or_store()?;
        rows.iter().map(record).collect()
    }

    async fn claim(&self, job: &str, daemon: &str) -> Result<Option<Claim>, StoreError> {
        // All rows, though there is one at most: after the first of `fetch_optional` sqlx resets the statement,
        // which commits it, and drops the error of a commit that fails. Such a claim would fence its own run.
        let claimed = sqlx::query(
            "UPDATE jobs SET claimed_by = ?2, fence = fence + 1 \
             WHERE id = ?1 AND ended = 0 AND (claimed_by IS NULL OR claimed_by = ?2) \
             RETURNING fence",
        )
        .bind(job)
        .bind(daemon)
        .fetch_all(&self.pool)
        .await
        .or_store()?;
        let Some(row) = claimed.first() else { return Ok(None) };
        let fence = unsigned(row.try_get("fence").or_store()?);
        Ok(Some(Claim { job: job.into(), daemon: daemon.into(), fence }))
    }

    async fn append(&self, claim: &Claim, event: Event) -> Result<(), StoreError> {
        let (done, stored) = oneshot::channel();
        let ended = || StoreError::Other("the writer has ended".into());
        let write = Write { claim: claim.clone(), event, done };
        self.writes.send(write).await.map_err(|_| ended())?;
        stored.await.map_err(|_| ended())?
    }

    async fn replay(&self, job: &str) -> Result<Option<Replay>, StoreError> {
        // One transaction: the record and the events are of one moment.
        let mut transaction = self.pool.begin().await.or_store()?;
        let select = sqlx::AssertSqlSafe(format!("{JOBS} WHERE id = ?"));
        let row = sqlx::query(select).bind(job).fetch_optional(&mut *transaction).await;
        let Some(row) = row.or_store()? else { return Ok(None) };
        let select =
            sqlx::AssertSqlSafe(format!("{EVENTS} WHERE job = ? AND is_log = 0 ORDER BY seq"));
        let rows = sqlx::query(select).bind(job).fetch_all(&mut *transaction).await.or_store()?;
        let events = rows.iter().map(|row| recorded(job, row)).collect::<Result<_, _>>()?;
        Ok(Some(Replay { record: record(&row)?, events }))
    }
}
