//! Releases that are kept no more.

use super::{
    SqliteStore,
    rows::{signed, unsigned},
};
use crate::error::OrStore;
use async_trait::async_trait;
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};
use windlass_engine::ports::store::{COLLECTED_REMEMBERED, Collected, Collection, StoreError};
use windlass_model::app::App;

#[async_trait]
impl Collection for SqliteStore {
    async fn collect(&self, app: &App, releases: &[Collected]) -> Result<u64, StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.or_store()?;
        let mut forgotten = 0;
        for release in releases {
            // Its rows of clusters go with it.
            let delete = sqlx::query(
                "DELETE FROM releases WHERE project = ?1 AND app = ?2 AND environment = ?3 \
                 AND id = ?4 AND NOT EXISTS (SELECT 1 FROM release_clusters AS came \
                 WHERE came.release = ?4 AND NOT EXISTS (SELECT 1 FROM release_clusters AS newer \
                 WHERE newer.project = came.project AND newer.app = came.app \
                 AND newer.environment = came.environment AND newer.cluster = came.cluster \
                 AND newer.release > came.release) \
                 AND NOT EXISTS (SELECT 1 FROM removals AS gone \
                 WHERE gone.project = came.project AND gone.app = came.app \
                 AND gone.environment = came.environment AND gone.cluster = came.cluster \
                 AND gone.job >= came.release))",
            );
            let delete = delete.bind(&app.project).bind(&app.name).bind(&app.environment);
            let deleted = delete.bind(&release.id).execute(&mut *transaction).await.or_store()?;
            if deleted.rows_affected() > 0 {
                remember(&mut transaction, app, release).await?;
                forgotten += 1;
            }
        }
        let forget = sqlx::query(
            "DELETE FROM collected WHERE project = ?1 AND app = ?2 AND environment = ?3 \
             AND release NOT IN (SELECT release FROM collected WHERE project = ?1 AND app = ?2 \
             AND environment = ?3 ORDER BY release DESC LIMIT ?4)",
        );
        let forget = forget.bind(&app.project).bind(&app.name).bind(&app.environment);
        forget.bind(COLLECTED_REMEMBERED).execute(&mut *transaction).await.or_store()?;
        transaction.commit().await.or_store()?;
        Ok(forgotten)
    }

    async fn left_images(&self, app: &App) -> Result<Vec<Collected>, StoreError> {
        let select = sqlx::query(
            "SELECT * FROM collected WHERE project = ? AND app = ? AND environment = ? \
             AND tries IS NOT NULL ORDER BY at_ms, release",
        );
        let select = select.bind(&app.project).bind(&app.name).bind(&app.environment);
        let rows = select.fetch_all(&self.reads).await.or_store()?;
        rows.iter().map(collected).collect()
    }

    async fn has_image(&self, digest: &str) -> Result<bool, StoreError> {
        // The text of a whole release is looked through: nothing that names the digest is passed over.
        let has = "SELECT EXISTS (SELECT 1 FROM releases WHERE instr(body, ?) > 0)";
        // What is written a moment ago counts.
        let has: i64 =
            sqlx::query_scalar(has).bind(digest).fetch_one(&self.pool).await.or_store()?;
        Ok(has != 0)
    }

    async fn tried_image(
        &self,
        app: &App,
        digest: &str,
        tries: Option<u32>,
    ) -> Result<(), StoreError> {
        let update = sqlx::query(
            "UPDATE collected SET tries = ? \
             WHERE project = ? AND app = ? AND environment = ? AND digest = ?",
        );
        let update = update.bind(tries).bind(&app.project).bind(&app.name).bind(&app.environment);
        update.bind(digest).execute(&self.pool).await.or_store()?;
        Ok(())
    }
}

impl SqliteStore {
    /// Returns the newest collected release of an app whose id or commit begins with a text.
    pub(super) async fn newest_collected(
        &self,
        app: &App,
        text: &str,
    ) -> Result<Option<Collected>, StoreError> {
        let select = sqlx::query(
            "SELECT * FROM collected WHERE project = ?1 AND app = ?2 AND environment = ?3 \
             AND (instr(release, ?4) = 1 OR instr(commit_id, ?4) = 1) \
             ORDER BY release DESC LIMIT 1",
        );
        let select = select.bind(&app.project).bind(&app.name).bind(&app.environment).bind(text);
        let row = select.fetch_optional(&self.reads).await.or_store()?;
        row.as_ref().map(collected).transpose()
    }
}

async fn remember(
    connection: &mut SqliteConnection,
    app: &App,
    release: &Collected,
) -> Result<(), StoreError> {
    let Collected { id, commit, reference, digest, at_ms, tries } = release;
    sqlx::query(
        "INSERT OR REPLACE INTO collected (project, app, environment, release, commit_id, \
         reference, digest, at_ms, tries) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(&app.project)
    .bind(&app.name)
    .bind(&app.environment)
    .bind(id)
    .bind(commit)
    .bind(reference)
    .bind(digest)
    .bind(signed(*at_ms))
    .bind(*tries)
    .execute(connection)
    .await
    .or_store()?;
    Ok(())
}

fn collected(row: &SqliteRow) -> Result<Collected, StoreError> {
    let at_ms: i64 = row.try_get("at_ms").or_store()?;
    Ok(Collected {
        id: row.try_get("release").or_store()?,
        commit: row.try_get("commit_id").or_store()?,
        reference: row.try_get("reference").or_store()?,
        digest: row.try_get("digest").or_store()?,
        at_ms: unsigned(at_ms),
        tries: row.try_get("tries").or_store()?,
    })
}
