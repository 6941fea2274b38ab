//! What comes later is stored, not slept.

use crate::{
    Store, StoreError,
    store::{from_json, now_ms, to_json},
};
use serde::{Deserialize, Serialize};
use sqlx::{Row, SqliteConnection};

/// Lines of logs are kept for 30 days, jobs for a year (`architecture.md`, Decided).
pub(crate) const LOGS_KEPT_MS: i64 = 30 * 24 * 3600 * 1000;
pub(crate) const JOBS_KEPT_MS: i64 = 365 * 24 * 3600 * 1000;

/// Something to do at a later time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// Delete the lines that a job's tools printed.
    ForgetLogs {
        /// Which job.
        job: String,
    },
    /// Delete a job and its events; its release stays.
    ForgetJob {
        /// Which job.
        job: String,
    },
}

pub(crate) async fn add(
    connection: &mut SqliteConnection,
    at_ms: i64,
    work: &Work,
) -> Result<(), StoreError> {
    let insert = sqlx::query("INSERT INTO due (at_ms, work) VALUES (?, ?)");
    insert.bind(at_ms).bind(to_json(work)?).execute(connection).await?;
    Ok(())
}

impl Store {
    /// Does what is due now; says how much that was. To be called from time to time.
    ///
    /// # Errors
    /// What the store says; what was not done is due still.
    pub async fn do_due_work(&self) -> Result<usize, StoreError> {
        self.do_work_due_by(now_ms()).await
    }

    async fn do_work_due_by(&self, now_ms: i64) -> Result<usize, StoreError> {
        let select = "SELECT id, work FROM due WHERE at_ms <= ? ORDER BY at_ms LIMIT 1000";
        let rows = sqlx::query(select).bind(now_ms).fetch_all(&self.pool).await?;
        for row in &rows {
            let id: i64 = row.try_get("id")?;
            let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
            let (delete, job) = match from_json("due work", row.try_get("work")?)? {
                Work::ForgetLogs { job } => {
                    ("DELETE FROM events WHERE job = ? AND is_log = 1", job)
                }
                Work::ForgetJob { job } => ("DELETE FROM jobs WHERE id = ?", job),
            };
            sqlx::query(delete).bind(job).execute(&mut *transaction).await?;
            sqlx::query("DELETE FROM due WHERE id = ?").bind(id).execute(&mut *transaction).await?;
            transaction.commit().await?;
        }
        Ok(rows.len())
    }

    #[cfg(test)]
    pub(crate) async fn in_days(&self, days: i64) -> usize {
        self.do_work_due_by(now_ms() + days * 24 * 3600 * 1000).await.unwrap()
    }
}
