//! Migrations of apps' data that succeeded.

use crate::{error::OrStore, sqlite::rows::signed};
use sqlx::SqliteConnection;
use windlass_engine::ports::store::StoreError;
use windlass_model::{app::App, contraction::Contraction};

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

/// Stores the contraction of the data of a job's app in place of the one before.
pub(super) async fn contract(
    connection: &mut SqliteConnection,
    job: &str,
    cluster: &str,
    contraction: &Contraction,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT OR REPLACE INTO contracted \
         (project, app, environment, cluster, release, digest, at_ms) \
         SELECT project, app, environment, ?, ?, ?, ? FROM jobs WHERE id = ?",
    )
    .bind(cluster)
    .bind(&contraction.release)
    .bind(&contraction.digest)
    .bind(signed(contraction.at_ms))
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
    for delete in [
        "DELETE FROM migrated WHERE project = ? AND app = ? AND environment = ? AND cluster = ?",
        "DELETE FROM contracted WHERE project = ? AND app = ? AND environment = ? AND cluster = ?",
    ] {
        sqlx::query(delete)
            .bind(&app.project)
            .bind(&app.name)
            .bind(&app.environment)
            .bind(cluster)
            .execute(&mut *connection)
            .await
            .or_store()?;
    }
    Ok(())
}
