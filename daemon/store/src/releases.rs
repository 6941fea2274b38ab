//! Releases that succeeded.

use crate::{Store, StoreError, store::from_json};
use sqlx::Row;
use windlass_core::{app::App, job::Release};

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
        let is_there = |release: &Release| release.clusters.iter().any(|name| name == cluster);
        let (mut before, mut limit) = (None::<String>, 1);
        loop {
            let page = self.releases(app, before.as_deref(), limit).await?;
            let Some((oldest, _)) = page.last() else { return Ok(None) };
            before = Some(oldest.id.clone());
            if let Some((found, _)) = page.into_iter().find(|(release, _)| is_there(release)) {
                return Ok(Some(found));
            }
            // Nearly always it is the newest of all.
            limit = 50;
        }
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
