//! Jobs for the daemon that runs them: claims, the journal, and replay.

use super::{
    SqliteStore, approvals, pauses,
    rows::{DECISIVE, JOBS, record, recorded, stage, unreadable, unsigned},
    writer::{Done, Request, Write},
};
use crate::{error::OrStore, upcast};
use async_trait::async_trait;
use futures::TryStreamExt;
use sqlx::Row;
use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
};
use tokio::sync::oneshot;
use windlass_engine::{
    logs::Logged,
    ports::store::{
        Ahead, Claim, Lapse, Replay, RunCounts, Runs, StoreError, Unfinished, UnfinishedJob,
    },
};
use windlass_model::{app::App, event::Event, outcome::Stop, pause::Interventions};

#[async_trait]
impl Runs for SqliteStore {
    async fn unfinished(&self) -> Result<Unfinished, StoreError> {
        let select = sqlx::AssertSqlSafe(format!("{JOBS} WHERE ended = 0 ORDER BY id"));
        // One row after the other: thousands of waiting jobs may have a mebibyte each.
        let mut rows = sqlx::query(select).fetch(&self.reads);
        let mut found = Unfinished::default();
        while let Some(row) = rows.try_next().await.or_store()? {
            match record(&row) {
                Ok(record) => found.jobs.push(UnfinishedJob {
                    id: record.job.id,
                    app: record.job.app,
                    clusters: record.job.clusters.names,
                    has_image: !record.job.source.is_commit(),
                    has_begun: record.last_seq > 0,
                    is_stopping: record.stop.is_some(),
                }),
                Err(error) => {
                    let job = unreadable(&row, error.to_string());
                    self.leave(&job);
                    found.unreadable.push(job);
                }
            }
        }
        Ok(found)
    }

    async fn run_counts(&self) -> Result<RunCounts, StoreError> {
        let aside = upcast::write(&{
            let aside = self.aside.lock().unwrap_or_else(PoisonError::into_inner);
            aside.keys().cloned().collect::<Vec<_>>()
        })?;
        // No body is read: monitoring asks four times a minute, and thousands of jobs may have a mebibyte each.
        let select = "SELECT id IN (SELECT value FROM json_each(?)) AS is_aside, \
                      last_seq > 0 AS has_begun, stop IS NOT NULL AS is_stopping, \
                      count(*) AS many FROM jobs WHERE ended = 0 GROUP BY 1, 2, 3";
        let rows = sqlx::query(select).bind(aside).fetch_all(&self.reads).await.or_store()?;
        let mut counts = RunCounts::default();
        for row in &rows {
            let is = |column: &str| row.try_get::<bool, _>(column).or_store();
            let many = unsigned(row.try_get("many").or_store()?);
            match (is("is_aside")?, is("has_begun")?, is("is_stopping")?) {
                (true, _, _) => counts.left_alone += many,
                (false, false, _) => counts.pending += many,
                (false, true, false) => counts.executing += many,
                (false, true, true) => counts.finalizing += many,
            }
        }
        Ok(counts)
    }

    async fn has_unfinished(&self, app: &App) -> Result<bool, StoreError> {
        let select = "SELECT EXISTS (SELECT 1 FROM jobs \
                      WHERE project = ? AND app = ? AND environment = ? AND ended = 0) AS found";
        let select = sqlx::query(select).bind(&app.project).bind(&app.name).bind(&app.environment);
        select.fetch_one(&self.reads).await.or_store()?.try_get("found").or_store()
    }

    async fn set_aside(&self, job: &str, why: &str) -> Result<(), StoreError> {
        let select = "SELECT id, project, app, environment FROM jobs WHERE id = ?";
        let row = sqlx::query(select).bind(job).fetch_optional(&self.reads).await.or_store()?;
        if let Some(row) = row {
            self.leave(&unreadable(&row, why.to_owned()));
        }
        Ok(())
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
        let write = Write { claim: claim.clone(), event, done: Done::Waits(done) };
        self.writes.send(Request::Append(write)).await.map_err(|_| ended())?;
        stored.await.map_err(|_| ended())?
    }

    async fn take_line(
        &self,
        claim: &Claim,
        line: Event,
        ahead: &Arc<Ahead>,
    ) -> Result<(), StoreError> {
        let ended = |_| StoreError::Other("the writer has ended".into());
        let room = self.writes.reserve().await.map_err(ended)?;
        let done = Done::Ahead(ahead.taken());
        room.send(Request::Append(Write { claim: claim.clone(), event: line, done }));
        Ok(())
    }

    async fn lapse(&self, job: &str, now_ms: u64) -> Result<Lapse, StoreError> {
        approvals::lapse(self, job, now_ms).await
    }

    async fn supersede(&self, job: &str, by: &str) -> Result<bool, StoreError> {
        let mut connection = self.pool.acquire().await.or_store()?;
        approvals::stop(&mut connection, job, &Stop::Superseded { by: by.to_owned() }).await
    }

    async fn interventions(&self, job: &str) -> Result<Interventions, StoreError> {
        pauses::interventions(self, job).await
    }

    async fn replay(&self, job: &str) -> Result<Option<Replay>, StoreError> {
        // One transaction: the record and the events are of one moment.
        let mut transaction = self.reads.begin().await.or_store()?;
        let select = sqlx::AssertSqlSafe(format!("{JOBS} WHERE id = ?"));
        let row = sqlx::query(select).bind(job).fetch_optional(&mut *transaction).await;
        let Some(row) = row.or_store()? else { return Ok(None) };
        let rows = sqlx::query(DECISIVE).bind(job).fetch_all(&mut *transaction).await.or_store()?;
        let events = rows.iter().map(|row| recorded(job, row)).collect::<Result<_, _>>()?;
        let select = "SELECT stage, count(*) AS lines, sum(bytes) AS bytes FROM logs \
                      WHERE job = ? GROUP BY stage";
        let rows = sqlx::query(select).bind(job).fetch_all(&mut *transaction).await.or_store()?;
        let mut logged = BTreeMap::new();
        for row in rows {
            // Lines of a stage that is unknown are counted for none.
            let Ok(stage) = stage(job, row.try_get("stage").or_store()?) else { continue };
            let lines = unsigned(row.try_get("lines").or_store()?);
            let bytes = unsigned(row.try_get("bytes").or_store()?);
            logged.insert(stage, Logged { lines, bytes });
        }
        let approvals = approvals::of(&mut transaction, job).await?;
        Ok(Some(Replay { record: record(&row)?, events, logged, approvals }))
    }
}
