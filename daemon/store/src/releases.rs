//! Releases that succeeded.

use crate::{Store, StoreError, store::from_json};
use sqlx::Row;
use windlass_model::{app::App, cluster::DEFAULT, job::Release};

impl Store {
    /// The newest release that succeeded in a cluster.
    ///
    /// # Errors
    /// What the store says.
    pub async fn last_release(
        &self,
        app: &App,
        cluster: &str,
    ) -> Result<Option<Release>, StoreError> {
        let row = sqlx::query(
            "SELECT id, body FROM releases \
             WHERE project = ? AND app = ? AND environment = ? AND EXISTS (SELECT 1 FROM \
             json_each(coalesce(json_extract(body, '$.clusters'), json_array(?))) WHERE value = ?) \
             ORDER BY id DESC LIMIT 1",
        )
        .bind(&app.project)
        .bind(&app.name)
        .bind(&app.environment)
        .bind(DEFAULT)
        .bind(cluster)
        .fetch_optional(&self.pool)
        .await?;
        let read = |row: sqlx::sqlite::SqliteRow| {
            let id: &str = row.try_get("id")?;
            from_json(&format!("release {id}"), row.try_get("body")?)
        };
        row.map(read).transpose()
    }

    /// Releases with the time that they were made, newest first, older than `before`.
    ///
    /// # Errors
    /// What the store says.
    pub async fn releases(
        &self,
        app: &App,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<(Release, u64)>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, created_ms, body FROM releases \
             WHERE project = ? AND app = ? AND environment = ? AND (? IS NULL OR id < ?) \
             ORDER BY id DESC LIMIT ?",
        )
        .bind(&app.project)
        .bind(&app.name)
        .bind(&app.environment)
        .bind(before)
        .bind(before)
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        let read = |row: &sqlx::sqlite::SqliteRow| {
            let id: &str = row.try_get("id")?;
            let created: i64 = row.try_get("created_ms")?;
            let release = from_json(&format!("release {id}"), row.try_get("body")?)?;
            Ok((release, u64::try_from(created).unwrap_or_default()))
        };
        rows.iter().map(read).collect()
    }
}
