//! Jobs: accepted once, listed, stopped.

use crate::{
    Store, StoreError,
    store::{from_json, now_ms, to_json},
};
use sqlx::{Row, sqlite::SqliteRow};
use windlass_engine::records::{Filter, JobRecord, JobState, Submission, Submitted};
use windlass_model::{
    event::Event,
    job::Stage,
    outcome::{Outcome, Stop},
};

const COLUMNS: &str = "SELECT jobs.*, \
    (SELECT event FROM events WHERE job = jobs.id AND seq = jobs.last_seq AND jobs.ended = 1) AS last_event, \
    (SELECT at_ms FROM events WHERE job = jobs.id AND seq = jobs.last_seq AND jobs.ended = 1) AS ended_ms, \
    (SELECT at_ms FROM events WHERE job = jobs.id AND seq = 1) AS started_ms \
    FROM jobs ";

/// The word of a state: `"waiting"`, or `{"running": stage}`.
const STATE: &str =
    "(CASE json_type(state) WHEN 'object' THEN 'running' ELSE json_extract(state, '$') END)";

impl Store {
    /// Stores a job, once per principal and request id.
    ///
    /// # Errors
    /// [`StoreError::RequestReused`] when the id came with another body.
    pub async fn submit(&self, submission: Submission) -> Result<Submitted, StoreError> {
        let Submission { request_id, body, mut job } = submission;
        let body_hash = blake3::hash(&body).to_hex().to_string();
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let known = "SELECT id, body_hash FROM jobs WHERE principal = ? AND request_id = ?";
        let known = sqlx::query(known).bind(&job.principal).bind(&request_id);
        if let Some(row) = known.fetch_optional(&mut *transaction).await? {
            if row.try_get::<&str, _>("body_hash")? != body_hash {
                return Err(StoreError::RequestReused(request_id));
            }
            let id: String = row.try_get("id")?;
            drop(transaction);
            let record = self.job(&id).await?;
            let record = record.ok_or_else(|| StoreError::Other(format!("job {id} is gone")))?;
            return Ok(Submitted { record, is_new: false });
        }
        let created = now_ms();
        job.created_ms = u64::try_from(created).unwrap_or_default();
        sqlx::query(
            "INSERT INTO jobs (id, principal, request_id, body_hash, project, app, environment, body, state, created_ms) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, '\"waiting\"', ?)",
        )
        .bind(&job.id)
        .bind(&job.principal)
        .bind(request_id)
        .bind(body_hash)
        .bind(&job.app.project)
        .bind(&job.app.name)
        .bind(&job.app.environment)
        .bind(to_json(&job)?)
        .bind(created)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        let record = JobRecord {
            job,
            last_seq: 0,
            state: JobState::Waiting,
            stage: None,
            stop: None,
            outcome: None,
            started_ms: None,
            ended_ms: None,
        };
        Ok(Submitted { record, is_new: true })
    }

    /// The job of a principal's earlier request with this id.
    ///
    /// # Errors
    /// [`StoreError::RequestReused`] when that had another body.
    pub async fn submitted(
        &self,
        principal: &str,
        request_id: &str,
        body: &[u8],
    ) -> Result<Option<JobRecord>, StoreError> {
        let known = "SELECT id, body_hash FROM jobs WHERE principal = ? AND request_id = ?";
        let known = sqlx::query(known).bind(principal).bind(request_id);
        let Some(row) = known.fetch_optional(&self.pool).await? else { return Ok(None) };
        if row.try_get::<&str, _>("body_hash")? != blake3::hash(body).to_hex().as_str() {
            return Err(StoreError::RequestReused(request_id.into()));
        }
        let id: String = row.try_get("id")?;
        self.job(&id).await
    }

    /// One job.
    ///
    /// # Errors
    /// What the store says.
    pub async fn job(&self, id: &str) -> Result<Option<JobRecord>, StoreError> {
        let select = sqlx::AssertSqlSafe(format!("{COLUMNS} WHERE id = ?"));
        let row = sqlx::query(select).bind(id).fetch_optional(&self.pool).await?;
        row.as_ref().map(record).transpose()
    }

    /// Jobs, newest first.
    ///
    /// # Errors
    /// What the store says.
    pub async fn jobs(&self, filter: &Filter) -> Result<Vec<JobRecord>, StoreError> {
        let select = sqlx::AssertSqlSafe(format!(
            "{COLUMNS} WHERE (?1 IS NULL OR id < ?1) AND (?2 IS NULL OR app = ?2) \
             AND (?3 IS NULL OR project IN (SELECT value FROM json_each(?3))) \
             AND (?4 IS NULL OR {STATE} IN (SELECT value FROM json_each(?4))) \
             AND (?6 IS NULL OR environment = ?6) \
             ORDER BY id DESC LIMIT ?5"
        ));
        let projects = filter.projects.as_ref().map(to_json).transpose()?;
        let states = Some(&filter.states).filter(|states| !states.is_empty());
        let rows = sqlx::query(select)
            .bind(filter.before.as_deref())
            .bind(filter.app.as_deref())
            .bind(projects)
            .bind(states.map(to_json).transpose()?)
            .bind(filter.limit)
            .bind(filter.environment.as_deref())
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(record).collect()
    }

    /// Jobs that have not ended, oldest first.
    ///
    /// # Errors
    /// What the store says.
    pub async fn unfinished(&self) -> Result<Vec<JobRecord>, StoreError> {
        let select = sqlx::AssertSqlSafe(format!("{COLUMNS} WHERE ended = 0 ORDER BY id"));
        let rows = sqlx::query(select).fetch_all(&self.pool).await?;
        rows.iter().map(record).collect()
    }

    /// Records that a job is to stop; the first reason stays. False when it has ended.
    ///
    /// # Errors
    /// What the store says.
    pub async fn stop(&self, id: &str, why: &Stop) -> Result<bool, StoreError> {
        let update = "UPDATE jobs SET stop = coalesce(stop, ?) WHERE id = ? AND ended = 0";
        let updated = sqlx::query(update).bind(to_json(why)?).bind(id).execute(&self.pool).await?;
        Ok(updated.rows_affected() > 0)
    }
}

fn record(row: &SqliteRow) -> Result<JobRecord, StoreError> {
    let id: &str = row.try_get("id")?;
    let what = format!("job {id}");
    let last_seq: i64 = row.try_get("last_seq")?;
    let read = |column: &str| -> Result<Option<&str>, StoreError> { Ok(row.try_get(column)?) };
    let outcome = match read("last_event")? {
        Some(json) => match from_json(&what, json)? {
            Event::Ended(outcome) => Some(outcome),
            _ => None,
        },
        None => None,
    };
    let stage: Option<Stage> = read("stage")?.map(|json| from_json(&what, json)).transpose()?;
    let time = |column: &str| -> Result<Option<u64>, StoreError> {
        let ms: Option<i64> = row.try_get(column)?;
        Ok(ms.and_then(|ms| u64::try_from(ms).ok()))
    };
    // The end of a job that was never taken up is its first event.
    let has_begun = last_seq > i64::from(outcome.is_some());
    // The outcome knows where a job ended; hooks that look on come after it.
    let stage = outcome.as_ref().map(Outcome::stage).or(stage);
    Ok(JobRecord {
        job: from_json(&what, row.try_get("body")?)?,
        last_seq: u64::try_from(last_seq).unwrap_or_default(),
        state: state(&what, row.try_get("state")?)?,
        stage,
        started_ms: time("started_ms")?.filter(|_| has_begun),
        ended_ms: time("ended_ms")?,
        stop: read("stop")?.map(|json| from_json(&what, json)).transpose()?,
        outcome,
    })
}

/// `"waiting"`, or `{"running": stage}`, as `replay::State` is written.
fn state(what: &str, json: &str) -> Result<JobState, StoreError> {
    match from_json(what, json)? {
        serde_json::Value::Object(map) if map.contains_key("running") => Ok(JobState::Running),
        value => from_json(what, &value.to_string()),
    }
}
