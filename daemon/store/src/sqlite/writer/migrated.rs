//! Migrations of apps' data that succeeded.

use crate::{error::OrStore, sqlite::rows::signed};
use sqlx::SqliteConnection;
use windlass_engine::ports::store::StoreError;
use windlass_model::app::App;

/// Stores a migration of a job's app. One that is stored already keeps its time.
pub(super) async fn store(
    connection: &mut SqliteConnection,
    job: &str,
    cluster: &str,
    key: &str,
    at_ms: u64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT OR IGNORE INTO migrated (project, app, environment, cluster, key, at_ms) \
         SELECT project, app, environment, ?, ?, ? FROM jobs WHERE id = ?",
    )
    .bind(cluster)
    .bind(key)
    .bind(signed(at_ms))
    .bind(job)
    .execute(&mut *connection)
    .await
    .or_store()?;
    Ok(())
}

/// Forgets the migrations of an app that is removed from a cluster: whatever comes there again may have a database of
/// its own.
pub(super) async fn forget(
    connection: &mut SqliteConnection,
    app: &App,
    cluster: &str,
) -> Result<(), StoreError> {
    sqlx::query(
        "DELETE FROM migrated WHERE project = ? AND app = ? AND environment = ? AND cluster = ?",
    )
    .bind(&app.project)
    .bind(&app.name)
    .bind(&app.environment)
    .bind(cluster)
    .execute(&mut *connection)
    .await
    .or_store()?;
    Ok(())
}
