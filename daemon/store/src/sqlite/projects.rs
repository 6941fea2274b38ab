//! Projects, with all their versions.

use super::{
    SqliteStore, own_registries,
    rows::{signed, unsigned},
};
use crate::{error::OrStore, upcast};
use async_trait::async_trait;
use futures::TryStreamExt;
use sqlx::{Row, sqlite::SqliteRow};
use windlass_engine::ports::store::{
    Applied, PROJECTS_LISTED, ProjectRecord, Projects, StoreError, VERSIONS_KEPT,
};
use windlass_model::{clock::now_ms, project::ProjectSpec};

/// Selects the newest version of projects, for [`record`], also of deleted ones.
const NEWEST: &str = "SELECT newest.*, projects.deleted FROM projects \
    JOIN project_versions AS newest \
    ON newest.project = projects.name AND newest.version = projects.last ";

#[async_trait]
impl Projects for SqliteStore {
    async fn apply_project(
        &self,
        spec: &ProjectSpec,
        by: &str,
        expected: Option<u32>,
    ) -> Result<Applied, StoreError> {
        let json = upcast::write(spec)?;
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.or_store()?;
        let select = sqlx::AssertSqlSafe(format!("{NEWEST} WHERE projects.name = ?"));
        let select = sqlx::query(select).bind(&spec.project);
        let newest = select.fetch_optional(&mut *transaction).await.or_store()?;
        let last: u32 = match &newest {
            Some(row) => row.try_get("version").or_store()?,
            None => 0,
        };
        let is_deleted: bool = match &newest {
            Some(row) => row.try_get("deleted").or_store()?,
            None => true,
        };
        let current = Some(last).filter(|_| !is_deleted);
        if expected.is_some_and(|expected| expected != current.unwrap_or_default()) {
            return Ok(Applied::Conflict(current));
        }
        // One that cannot be read is replaced.
        let newest = newest.and_then(|row| record(&row).ok());
        if let Some(same) = newest.filter(|newest| !is_deleted && newest.spec == *spec) {
            return Ok(Applied::Version(Box::new(same)));
        }
        let version = last.saturating_add(1);
        let at_ms = now_ms();
        sqlx::query(
            "INSERT INTO project_versions (project, version, spec, format, applied_by, at_ms) \
             VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(&spec.project)
        .bind(version)
        .bind(json)
        .bind(upcast::VERSION)
        .bind(by)
        .bind(signed(at_ms))
        .execute(&mut *transaction)
        .await
        .or_store()?;
        sqlx::query(
            "INSERT INTO projects (name, last) VALUES (?, ?) ON CONFLICT (name) DO UPDATE \
             SET last = excluded.last, deleted = 0, deleted_by = NULL, deleted_ms = NULL",
        )
        .bind(&spec.project)
        .bind(version)
        .execute(&mut *transaction)
        .await
        .or_store()?;
        sqlx::query("DELETE FROM project_versions WHERE project = ? AND version <= ?")
            .bind(&spec.project)
            .bind(version.saturating_sub(VERSIONS_KEPT))
            .execute(&mut *transaction)
            .await
            .or_store()?;
        transaction.commit().await.or_store()?;
        let spec = spec.clone();
        Ok(Applied::Version(Box::new(ProjectRecord { spec, version, by: by.into(), at_ms })))
    }

    async fn project(&self, name: &str) -> Result<Option<ProjectRecord>, StoreError> {
        let select = format!("{NEWEST} WHERE projects.name = ? AND projects.deleted = 0");
        let select = sqlx::query(sqlx::AssertSqlSafe(select)).bind(name);
        let row = select.fetch_optional(&self.reads).await.or_store()?;
        row.as_ref().map(record).transpose()
    }

    async fn projects(&self) -> Result<Vec<ProjectRecord>, StoreError> {
        let select = format!("{NEWEST} WHERE projects.deleted = 0 ORDER BY projects.name LIMIT ?");
        let select = sqlx::query(sqlx::AssertSqlSafe(select)).bind(PROJECTS_LISTED);
        // One row after the other, so that no spec is in memory twice.
        let mut rows = select.fetch(&self.reads);
        let mut found = Vec::new();
        while let Some(row) = rows.try_next().await.or_store()? {
            found.extend(readable(&row));
        }
        Ok(found)
    }

    async fn project_versions(
        &self,
        name: &str,
        newest: Option<u32>,
        limit: u32,
    ) -> Result<Vec<ProjectRecord>, StoreError> {
        let select = "SELECT * FROM project_versions WHERE project = ? AND version <= ? \
                      ORDER BY version DESC LIMIT ?";
        let newest = newest.unwrap_or(u32::MAX);
        let select = sqlx::query(select).bind(name).bind(newest).bind(limit);
        let rows = select.fetch_all(&self.reads).await.or_store()?;
        Ok(rows.iter().filter_map(readable).collect())
    }

    async fn delete_project(&self, name: &str, by: &str) -> Result<bool, StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.or_store()?;
        let delete = "UPDATE projects SET deleted = 1, deleted_by = ?, deleted_ms = ? \
                      WHERE name = ? AND deleted = 0";
        let delete = sqlx::query(delete).bind(by).bind(signed(now_ms())).bind(name);
        let deleted = delete.execute(&mut *transaction).await.or_store()?;
        if deleted.rows_affected() == 0 {
            return Ok(false);
        }
        // A project that gets the name later begins with nothing: its triggers have a first look of their own.
        for of_project in [
            "DELETE FROM hooks WHERE project = ?",
            "DELETE FROM accepted WHERE project = ?",
            "DELETE FROM own_clusters WHERE project = ?",
        ] {
            sqlx::query(of_project).bind(name).execute(&mut *transaction).await.or_store()?;
        }
        own_registries::remove_all(&mut transaction, name, by).await?;
        transaction.commit().await.or_store()?;
        Ok(true)
    }
}

/// Reads a row of `project_versions`.
fn record(row: &SqliteRow) -> Result<ProjectRecord, StoreError> {
    let project: &str = row.try_get("project").or_store()?;
    let version: u32 = row.try_get("version").or_store()?;
    let spec: &str = row.try_get("spec").or_store()?;
    let at_ms: i64 = row.try_get("at_ms").or_store()?;
    let what = format!("version {version} of project {project}");
    Ok(ProjectRecord {
        spec: upcast::read(&what, row.try_get("format").or_store()?, spec)?,
        version,
        by: row.try_get("applied_by").or_store()?,
        at_ms: unsigned(at_ms),
    })
}

/// Reads a row of `project_versions`. `None` means that it cannot be read: it is left out, and logged.
fn readable(row: &SqliteRow) -> Option<ProjectRecord> {
    let unreadable = |error: &StoreError| tracing::error!(%error, "a project is left out");
    record(row).inspect_err(unreadable).ok()
}
