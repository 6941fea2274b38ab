//! Releases that succeeded.

use super::{SqliteStore, rows::unsigned};
use crate::{error::OrStore, upcast};
use async_trait::async_trait;
use sqlx::{Row, sqlite::SqliteRow};
use windlass_engine::ports::store::{Collected, Releases, StoreError};
use windlass_model::{app::App, contraction::Contraction, job::Release};

#[async_trait]
impl Releases for SqliteStore {
    async fn releases(
        &self,
        app: &App,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<(Release, u64)>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, created_ms, body, version FROM releases \
             WHERE project = ? AND app = ? AND environment = ? AND (? IS NULL OR id < ?) \
             ORDER BY id DESC LIMIT ?",
        )
        .bind(&app.project)
        .bind(&app.name)
        .bind(&app.environment)
        .bind(before)
        .bind(before)
        .bind(limit)
        .fetch_all(&self.reads)
        .await
        .or_store()?;
        let read = |row: &SqliteRow| {
            let created: i64 = row.try_get("created_ms").or_store()?;
            Ok::<_, StoreError>((release(row)?, unsigned(created)))
        };
        let mut releases = Vec::with_capacity(rows.len());
        let mut unreadable = None;
        for row in &rows {
            match read(row) {
                Ok(release) => releases.push(release),
                Err(error) => {
                    tracing::error!(%app, %error, "a release is left out of a list");
                    unreadable = Some(error);
                }
            }
        }
        match unreadable {
            // An empty list would say that there is none.
            Some(error) if releases.is_empty() => Err(error),
            _ => Ok(releases),
        }
    }

    async fn last_release(&self, app: &App, cluster: &str) -> Result<Option<Release>, StoreError> {
        let row = sqlx::query(
            "SELECT releases.id, releases.body, releases.version FROM release_clusters AS came \
             JOIN releases ON releases.id = came.release \
             WHERE came.project = ? AND came.app = ? AND came.environment = ? \
             AND came.cluster = ? AND NOT EXISTS (SELECT 1 FROM removals AS gone \
             WHERE gone.project = came.project AND gone.app = came.app \
             AND gone.environment = came.environment AND gone.cluster = came.cluster \
             AND gone.job >= came.release) ORDER BY came.release DESC LIMIT 1",
        )
        .bind(&app.project)
        .bind(&app.name)
        .bind(&app.environment)
        .bind(cluster)
        .fetch_optional(&self.reads)
        .await
        .or_store()?;
        row.as_ref().map(release).transpose()
    }

    async fn removal(&self, app: &App, cluster: &str) -> Result<Option<String>, StoreError> {
        let row = sqlx::query(
            "SELECT job FROM removals \
             WHERE project = ? AND app = ? AND environment = ? AND cluster = ?",
        )
        .bind(&app.project)
        .bind(&app.name)
        .bind(&app.environment)
        .bind(cluster)
        .fetch_optional(&self.reads)
        .await
        .or_store()?;
        row.map(|row| row.try_get("job").or_store()).transpose()
    }

    async fn migrated(
        &self,
        app: &App,
        cluster: &str,
        key: &str,
    ) -> Result<Option<u64>, StoreError> {
        let at: Option<i64> = sqlx::query_scalar(
            "SELECT at_ms FROM migrated WHERE project = ? AND app = ? AND environment = ? \
             AND cluster = ? AND key = ?",
        )
        .bind(&app.project)
        .bind(&app.name)
        .bind(&app.environment)
        .bind(cluster)
        .bind(key)
        .fetch_optional(&self.reads)
        .await
        .or_store()?;
        Ok(at.map(unsigned))
    }

    async fn contraction(
        &self,
        app: &App,
        cluster: &str,
    ) -> Result<Option<Contraction>, StoreError> {
        let row: Option<(String, String, i64)> = sqlx::query_as(
            "SELECT release, digest, at_ms FROM contracted WHERE project = ? AND app = ? \
             AND environment = ? AND cluster = ?",
        )
        .bind(&app.project)
        .bind(&app.name)
        .bind(&app.environment)
        .bind(cluster)
        .fetch_optional(&self.reads)
        .await
        .or_store()?;
        Ok(row.map(|(release, digest, at_ms)| {
            let at_ms = unsigned(at_ms);
            Contraction { release, digest, at_ms }
        }))
    }

    async fn serving(&self, text: &str) -> Result<Vec<Release>, StoreError> {
        // The text only narrows what is read: nothing is decided by it.
        let rows = sqlx::query(
            "SELECT DISTINCT releases.id, releases.body, releases.version FROM \
             (SELECT max(came.release) AS id FROM release_clusters AS came \
             LEFT JOIN removals AS gone USING (project, app, environment, cluster) \
             GROUP BY project, app, environment, cluster \
             HAVING max(came.release) > coalesce(max(gone.job), '')) AS newest \
             JOIN releases ON releases.id = newest.id \
             WHERE ?1 = '' OR instr(releases.body, ?1) > 0 ORDER BY releases.id",
        )
        .bind(text)
        .fetch_all(&self.reads)
        .await
        .or_store()?;
        let read = |row: &SqliteRow| {
            let unreadable =
                |error: &StoreError| tracing::error!(%error, "its hosts are not compared");
            release(row).inspect_err(unreadable).ok()
        };
        Ok(rows.iter().filter_map(read).collect())
    }

    async fn collected(&self, app: &App, text: &str) -> Result<Option<Collected>, StoreError> {
        self.newest_collected(app, text).await
    }
}

fn release(row: &SqliteRow) -> Result<Release, StoreError> {
    let id: &str = row.try_get("id").or_store()?;
    let version: i64 = row.try_get("version").or_store()?;
    let json: &str = row.try_get("body").or_store()?;
    upcast::read(&format!("release {id}"), version, json)
}
