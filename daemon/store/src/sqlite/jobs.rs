//! Jobs: accepted once, listed, stopped.

use super::{
    SqliteStore, approvals,
    messages::{self, Audience, Cause},
    pauses,
    rows::{EVENTS, JOBS, record, shown, signed, unreadable},
};
use crate::{error::OrStore, upcast};
use async_trait::async_trait;
use futures::TryStreamExt;
use sqlx::Row;
use windlass_engine::ports::store::{
    Approve, Filter, JobList, JobRecord, Jobs, Recorded, StoreError, Submission, Submitted,
    UnfinishedCount,
};
use windlass_model::clock::now_ms;
use windlass_model::{outbox::Moment, outcome::Stop, replay::JobState, spec::Spec};

#[async_trait]
impl Jobs for SqliteStore {
    async fn submit(&self, submission: Submission) -> Result<Submitted, StoreError> {
        let Submission { request_id, body, mut job, receivers } = submission;
        let body_hash = blake3::hash(&body).to_hex().to_string();
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.or_store()?;
        let known = "SELECT id, body_hash FROM jobs WHERE principal = ? AND request_id = ?";
        let known = sqlx::query(known).bind(&job.principal).bind(&request_id);
        if let Some(row) = known.fetch_optional(&mut *transaction).await.or_store()? {
            if row.try_get::<&str, _>("body_hash").or_store()? != body_hash {
                return Err(StoreError::RequestReused(request_id));
            }
            let id: String = row.try_get("id").or_store()?;
            drop(transaction);
            let record = self.job(&id).await?;
            let record = record
                .ok_or_else(|| StoreError::Other(format!("job {id} was deleted meanwhile")))?;
            return Ok(Submitted { record, is_new: false });
        }
        self.disk.accepts()?;
        job.created_ms = now_ms();
        sqlx::query(
            "INSERT INTO jobs (id, principal, request_id, body_hash, project, app, environment, \
             body, version, state, created_ms, receivers) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&job.id)
        .bind(&job.principal)
        .bind(request_id)
        .bind(body_hash)
        .bind(&job.app.project)
        .bind(&job.app.name)
        .bind(&job.app.environment)
        .bind(upcast::write(&job)?)
        .bind(upcast::VERSION)
        .bind(JobState::Waiting.as_str())
        .bind(signed(job.created_ms))
        .bind(upcast::write(&receivers)?)
        .execute(&mut *transaction)
        .await
        .or_store()?;
        let audience = Audience { project: job.app.project.clone(), receivers };
        let (moment, mark, now_ms) = (Moment::Queued, String::new(), job.created_ms);
        let cause = Cause { job: &job.id, moment, mark, seq: 0, now_ms };
        let has_messages = messages::add(&mut transaction, &audience, &cause).await?;
        transaction.commit().await.or_store()?;
        if has_messages {
            let _ = self.messages.send(());
        }
        let record = JobRecord {
            job,
            last_seq: 0,
            state: JobState::Waiting,
            stage: None,
            stop: None,
            outcome: None,
            held: None,
            paused: None,
            started_ms: None,
            ended_ms: None,
        };
        Ok(Submitted { record, is_new: true })
    }

    async fn submitted(
        &self,
        principal: &str,
        request_id: &str,
        body: &[u8],
    ) -> Result<Option<JobRecord>, StoreError> {
        let known = "SELECT id, body_hash FROM jobs WHERE principal = ? AND request_id = ?";
        let known = sqlx::query(known).bind(principal).bind(request_id);
        let row = known.fetch_optional(&self.reads).await.or_store()?;
        let Some(row) = row else { return Ok(None) };
        let body_hash: &str = row.try_get("body_hash").or_store()?;
        if body_hash != blake3::hash(body).to_hex().as_str() {
            return Err(StoreError::RequestReused(request_id.into()));
        }
        let id: String = row.try_get("id").or_store()?;
        self.job(&id).await
    }

    async fn requested(
        &self,
        principal: &str,
        request_id: &str,
    ) -> Result<Option<JobRecord>, StoreError> {
        let select = sqlx::AssertSqlSafe(format!("{JOBS} WHERE principal = ? AND request_id = ?"));
        let select = sqlx::query(select).bind(principal).bind(request_id);
        let row = select.fetch_optional(&self.reads).await.or_store()?;
        row.as_ref().map(record).transpose()
    }

    async fn job(&self, id: &str) -> Result<Option<JobRecord>, StoreError> {
        let select = sqlx::AssertSqlSafe(format!("{JOBS} WHERE id = ?"));
        let row = sqlx::query(select).bind(id).fetch_optional(&self.reads).await.or_store()?;
        row.as_ref().map(record).transpose()
    }

    async fn jobs(&self, filter: &Filter) -> Result<JobList, StoreError> {
        let select = sqlx::AssertSqlSafe(format!(
            "{JOBS} WHERE (?1 IS NULL OR id < ?1) AND (?2 IS NULL OR app = ?2) \
             AND (?3 IS NULL OR project IN (SELECT value FROM json_each(?3))) \
             AND (?4 IS NULL OR state IN (SELECT value FROM json_each(?4))) \
             AND (?6 IS NULL OR environment = ?6) \
             ORDER BY id DESC LIMIT ?5"
        ));
        // SQLite takes lists by `json_each`. Nothing stored is read in this way.
        let projects = filter.projects.as_ref().map(upcast::write).transpose()?;
        let states: Vec<_> = filter.states.iter().map(|state| state.as_str()).collect();
        let states = Some(states).filter(|states| !states.is_empty());
        let states = states.as_ref().map(upcast::write).transpose()?;
        // One row after the other: a page of them may have 500 MiB.
        let mut rows = sqlx::query(select)
            .bind(filter.before.as_deref())
            .bind(filter.app.as_deref())
            .bind(projects)
            .bind(states)
            .bind(filter.limit)
            .bind(filter.environment.as_deref())
            .fetch(&self.reads);
        let mut list = JobList::default();
        while let Some(row) = rows.try_next().await.or_store()? {
            match record(&row) {
                // One that was cancelled has its outcome, and is left alone no more.
                Ok(mut record) => {
                    match self.why_aside(&record.job.id).filter(|_| record.outcome.is_none()) {
                        Some(why) => list.unreadable.push(unreadable(&row, why)),
                        None => {
                            record.job.spec = Spec::default();
                            list.jobs.push(record);
                        }
                    }
                }
                Err(error) => {
                    let job = unreadable(&row, error.to_string());
                    self.leave(&job);
                    list.unreadable.push(job);
                }
            }
        }
        Ok(list)
    }

    async fn count_unfinished(&self, project: &str) -> Result<UnfinishedCount, StoreError> {
        let count = "SELECT count(*) AS total, count(CASE WHEN project = ? THEN 1 END) AS of_project \
                     FROM jobs WHERE ended = 0";
        let row = sqlx::query(count).bind(project).fetch_one(&self.reads).await.or_store()?;
        let number = |column: &str| {
            let number: i64 = row.try_get(column).or_store()?;
            Ok::<_, StoreError>(u64::try_from(number).unwrap_or_default())
        };
        Ok(UnfinishedCount { of_project: number("of_project")?, total: number("total")? })
    }

    async fn events(&self, id: &str, after: u64, limit: u32) -> Result<Vec<Recorded>, StoreError> {
        let rows = sqlx::query(EVENTS)
            .bind(id)
            .bind(signed(after))
            .bind(limit)
            .fetch_all(&self.reads)
            .await
            .or_store()?;
        rows.iter().map(|row| shown(id, row)).collect()
    }

    async fn stop(&self, id: &str, why: &Stop) -> Result<bool, StoreError> {
        let replaces = !matches!(why, Stop::Superseded { .. });
        let stopped = sqlx::query(
            "UPDATE jobs SET \
             stop_version = iif(stop IS NULL OR ?4 AND stop LIKE '{\"superseded\":%', ?1, stop_version), \
             stop = iif(stop IS NULL OR ?4 AND stop LIKE '{\"superseded\":%', ?2, stop) \
             WHERE id = ?3 AND ended = 0",
        )
        .bind(upcast::VERSION)
        .bind(upcast::write(why)?)
        .bind(id)
        .bind(replaces)
        .execute(&self.pool)
        .await
        .or_store()?;
        Ok(stopped.rows_affected() > 0)
    }

    async fn approve(
        &self,
        id: &str,
        digest: &str,
        by: &str,
        note: &str,
    ) -> Result<Approve, StoreError> {
        approvals::approve(self, id, digest, by, note).await
    }

    async fn reject(&self, id: &str, by: &str, note: &str) -> Result<bool, StoreError> {
        approvals::reject(self, id, by, note).await
    }

    async fn pause(&self, id: &str, by: &str, note: &str) -> Result<bool, StoreError> {
        pauses::pause(self, id, by, note).await
    }

    async fn resume(&self, id: &str, by: &str, note: &str) -> Result<bool, StoreError> {
        pauses::resume(self, id, by, note).await
    }

    async fn abort(&self, id: &str, by: &str, note: &str) -> Result<bool, StoreError> {
        pauses::abort(self, id, by, note).await
    }
}
