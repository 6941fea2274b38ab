//! What comes later is stored, not slept.

use crate::{
    Store, StoreError,
    store::{from_json, now_ms, to_json},
};
use serde::{Deserialize, Serialize};
use sqlx::{Row, SqliteConnection};
use windlass_model::app::App;

/// Lines of logs are kept for 30 days, jobs for a year (`daemon/design/0012-what-comes-later-is-stored.md`).
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
    /// Renew what nodes pull an app's image with: for the daemon, not for the store.
    RenewPull {
        /// Whose.
        app: App,
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

/// No later than what is due for the same app already: that may be about another of its clusters.
pub(crate) async fn renew_by(
    connection: &mut SqliteConnection,
    at_ms: i64,
    app: &App,
) -> Result<(), StoreError> {
    let work = to_json(&Work::RenewPull { app: app.clone() })?;
    let select = sqlx::query("SELECT min(at_ms) AS at_ms FROM due WHERE work = ?").bind(work);
    let due: Option<i64> = select.fetch_one(&mut *connection).await?.try_get("at_ms")?;
    renew(connection, due.map_or(at_ms, |due| due.min(at_ms)), app).await
}

/// In the place of what was due for the same app.
pub(crate) async fn renew(
    connection: &mut SqliteConnection,
    at_ms: i64,
    app: &App,
) -> Result<(), StoreError> {
    let work = Work::RenewPull { app: app.clone() };
    let delete = sqlx::query("DELETE FROM due WHERE work = ?").bind(to_json(&work)?);
    delete.execute(&mut *connection).await?;
    add(connection, at_ms, &work).await
}

impl Store {
    /// Apps whose pull secrets are due now. Each stays due until [`Store::renewed`].
    ///
    /// # Errors
    /// What the store says.
    pub async fn pulls_due(&self) -> Result<Vec<App>, StoreError> {
        let select =
            "SELECT work FROM due WHERE at_ms <= ? AND work LIKE '{\"renew_pull\"%' LIMIT 1000";
        let rows = sqlx::query(select).bind(now_ms()).fetch_all(&self.pool).await?;
        let mut apps = Vec::new();
        for row in &rows {
            if let Work::RenewPull { app } = from_json("due work", row.try_get("work")?)? {
                apps.push(app);
            }
        }
        Ok(apps)
    }

    /// When an app's pull secret is due again, in milliseconds since 1970; none: never.
    ///
    /// # Errors
    /// What the store says.
    pub async fn renewed(&self, app: &App, at_ms: Option<u64>) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        match at_ms.and_then(|at_ms| i64::try_from(at_ms).ok()) {
            Some(at_ms) => renew(&mut transaction, at_ms, app).await?,
            None => {
                let work = to_json(&Work::RenewPull { app: app.clone() })?;
                // Not what a release wrote meanwhile.
                let delete = sqlx::query("DELETE FROM due WHERE work = ? AND at_ms <= ?");
                delete.bind(work).bind(now_ms()).execute(&mut *transaction).await?;
            }
        }
        Ok(transaction.commit().await?)
    }

    /// When something is due next, in milliseconds since 1970.
    ///
    /// # Errors
    /// What the store says.
    pub async fn next_due(&self) -> Result<Option<u64>, StoreError> {
        let row = sqlx::query("SELECT min(at_ms) AS at_ms FROM due").fetch_one(&self.pool).await?;
        let at_ms: Option<i64> = row.try_get("at_ms")?;
        Ok(at_ms.map(|at_ms| u64::try_from(at_ms).unwrap_or_default()))
    }

    /// Does what is due now; says how much that was. To be called from time to time.
    ///
    /// # Errors
    /// What the store says; what was not done is due still.
    pub async fn do_due_work(&self) -> Result<usize, StoreError> {
        self.do_work_due_by(now_ms()).await
    }

    async fn do_work_due_by(&self, now_ms: i64) -> Result<usize, StoreError> {
        let select = "SELECT id, work FROM due WHERE at_ms <= ? AND work NOT LIKE '{\"renew_pull\"%' ORDER BY at_ms LIMIT 1000";
        let rows = sqlx::query(select).bind(now_ms).fetch_all(&self.pool).await?;
        for row in &rows {
            let id: i64 = row.try_get("id")?;
            let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
            let (delete, job) = match from_json("due work", row.try_get("work")?)? {
                Work::ForgetLogs { job } => {
                    ("DELETE FROM events WHERE job = ? AND is_log = 1", job)
                }
                Work::ForgetJob { job } => ("DELETE FROM jobs WHERE id = ?", job),
                Work::RenewPull { .. } => continue,
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
