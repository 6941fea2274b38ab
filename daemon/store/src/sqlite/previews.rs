//! Preview environments.

use super::{
    SqliteStore,
    rows::{signed, unsigned},
    slices::Rows,
    writer::schedule,
};
use crate::error::OrStore;
use async_trait::async_trait;
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};
use windlass_engine::ports::store::{PREVIEWS_LISTED, PreviewPush, Previews, Pushed, StoreError};
use windlass_model::{
    app::App,
    due::{Due, DueKind},
    preview::{PreviewRecord, PreviewState},
};

#[async_trait]
impl Previews for SqliteStore {
    async fn push_preview(&self, push: &PreviewPush) -> Result<Pushed, StoreError> {
        let PreviewPush { record, reopens, limit } = push;
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.or_store()?;
        let known = find(&mut transaction, &record.app).await?;
        let state = known.map(|known| known.state);
        if state == Some(PreviewState::Closed) && !reopens {
            return Ok(Pushed::Closed);
        }
        if state != Some(PreviewState::Open) {
            let count = "SELECT count(*) AS count FROM previews WHERE project = ? AND state = ?";
            let count = sqlx::query(count).bind(&record.app.project);
            let count = count.bind(PreviewState::Open.as_str());
            let row = count.fetch_one(&mut *transaction).await.or_store()?;
            let count: u32 = row.try_get("count").or_store()?;
            if count >= *limit {
                return Ok(Pushed::Full(count));
            }
        }
        put(&mut transaction, record, PreviewState::Open, "").await?;
        let due = Due::on_app(DueKind::PreviewEnds, &record.app, record.until_ms);
        schedule(&mut transaction, &due).await?;
        transaction.commit().await.or_store()?;
        Ok(Pushed::Open)
    }

    async fn preview(&self, app: &App) -> Result<Option<PreviewRecord>, StoreError> {
        let mut connection = self.reads.acquire().await.or_store()?;
        find(&mut connection, app).await
    }

    async fn previews(&self, project: Option<&str>) -> Result<Vec<PreviewRecord>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM previews WHERE ?1 IS NULL OR project = ?1 \
             ORDER BY ?1 IS NULL AND state <> 'open', last_push_ms DESC, project, app, environment \
             LIMIT ?2",
        )
        .bind(project)
        .bind(PREVIEWS_LISTED)
        .fetch_all(&self.reads)
        .await
        .or_store()?;
        let read = |row: &SqliteRow| {
            let unreadable =
                |error: &StoreError| tracing::error!(%error, "a preview is left out of a list");
            preview(row).inspect_err(unreadable).ok()
        };
        Ok(rows.iter().filter_map(read).collect())
    }

    async fn end_preview(
        &self,
        record: &PreviewRecord,
        state: PreviewState,
        removal: &str,
    ) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.or_store()?;
        let known = find(&mut transaction, &record.app).await?;
        let known = known.as_ref().unwrap_or(record);
        // What is closed is not opened by the next push, whoever ends it once more.
        let is_closed = known.state == PreviewState::Closed;
        let state = if is_closed { PreviewState::Closed } else { state };
        let removal = if removal.is_empty() { known.removal.as_str() } else { removal };
        put(&mut transaction, known, state, removal).await?;
        transaction.commit().await.or_store()
    }

    async fn forget_previews(&self, at_ms: u64) -> Result<(), StoreError> {
        let slice = "DELETE FROM previews WHERE (project, app, environment) IN \
                     (SELECT project, app, environment FROM previews \
                     WHERE state <> 'open' AND last_push_ms < ?1 LIMIT ?2)";
        self.forget(slice, Rows::Before(at_ms)).await
    }
}

async fn find(
    connection: &mut SqliteConnection,
    app: &App,
) -> Result<Option<PreviewRecord>, StoreError> {
    let select = "SELECT * FROM previews WHERE project = ? AND app = ? AND environment = ?";
    let select = sqlx::query(select).bind(&app.project).bind(&app.name).bind(&app.environment);
    let row = select.fetch_optional(connection).await.or_store()?;
    row.as_ref().map(preview).transpose()
}

/// Stores a preview in this state, in the place of the one that there is.
async fn put(
    connection: &mut SqliteConnection,
    record: &PreviewRecord,
    state: PreviewState,
    removal: &str,
) -> Result<(), StoreError> {
    let PreviewRecord { app, repository, number, head, last_push_ms, until_ms, .. } = record;
    sqlx::query(
        "INSERT OR REPLACE INTO previews (project, app, environment, state, repository, number, \
         head, last_push_ms, until_ms, removal) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(&app.project)
    .bind(&app.name)
    .bind(&app.environment)
    .bind(state.as_str())
    .bind(repository)
    .bind(number.map(signed))
    .bind(head)
    .bind(signed(*last_push_ms))
    .bind(signed(*until_ms))
    .bind(removal)
    .execute(connection)
    .await
    .or_store()?;
    Ok(())
}

fn preview(row: &SqliteRow) -> Result<PreviewRecord, StoreError> {
    let text = |column: &str| row.try_get::<String, _>(column).or_store();
    let time = |column: &str| row.try_get::<i64, _>(column).or_store().map(unsigned);
    let app =
        App { project: text("project")?, name: text("app")?, environment: text("environment")? };
    let word = text("state")?;
    let state = PreviewState::parse(&word).ok_or_else(|| StoreError::Unreadable {
        what: format!("the preview {app}"),
        why: format!("`{word}` is not a state of a preview"),
    })?;
    let number: Option<i64> = row.try_get("number").or_store()?;
    Ok(PreviewRecord {
        app,
        state,
        repository: text("repository")?,
        number: number.map(unsigned),
        head: text("head")?,
        last_push_ms: time("last_push_ms")?,
        until_ms: time("until_ms")?,
        removal: text("removal")?,
    })
}
