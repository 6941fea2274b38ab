//! Sealed secrets.

use super::{
    SqliteStore,
    rows::{signed, unsigned},
};
use crate::error::OrStore;
use async_trait::async_trait;
use sqlx::{Row, sqlite::SqliteRow};
use windlass_engine::ports::{
    Secrets,
    store::{SecretRecord, SecretRecords, StoreError},
};
use windlass_model::clock::now_ms;
use windlass_model::{error::SecretError, secret::Secret};

fn row_name(project: &str, name: &str, version: u32) -> String {
    format!("secret|{project}|{name}|{version}")
}

#[async_trait]
impl SecretRecords for SqliteStore {
    async fn put(
        &self,
        project: &str,
        name: &str,
        value: &Secret,
    ) -> Result<SecretRecord, StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.or_store()?;
        // Counted apart from the values: a deleted version never comes back with another value.
        let next = "INSERT INTO secret_versions (project, name, last) VALUES (?, ?, 1) \
                    ON CONFLICT (project, name) DO UPDATE SET last = last + 1 RETURNING last";
        let next = sqlx::query(next).bind(project).bind(name);
        let row = next.fetch_one(&mut *transaction).await.or_store()?;
        let version: u32 = row.try_get("last").or_store()?;
        let created_ms = now_ms();
        let sealed = self.key.seal(&row_name(project, name, version), value)?;
        let insert = "INSERT INTO secrets (project, name, version, sealed, created_ms) VALUES (?, ?, ?, ?, ?)";
        sqlx::query(insert)
            .bind(project)
            .bind(name)
            .bind(version)
            .bind(sealed)
            .bind(signed(created_ms))
            .execute(&mut *transaction)
            .await
            .or_store()?;
        transaction.commit().await.or_store()?;
        Ok(SecretRecord { project: project.into(), name: name.into(), version, created_ms })
    }

    async fn list(&self, project: &str) -> Result<Vec<SecretRecord>, StoreError> {
        let select = "SELECT name, max(version) AS version, created_ms FROM secrets WHERE project = ? GROUP BY name ORDER BY name";
        let rows = sqlx::query(select).bind(project).fetch_all(&self.reads).await.or_store()?;
        let read = |row: &SqliteRow| {
            let created: i64 = row.try_get("created_ms").or_store()?;
            Ok::<_, StoreError>(SecretRecord {
                project: project.into(),
                name: row.try_get("name").or_store()?,
                version: row.try_get("version").or_store()?,
                created_ms: unsigned(created),
            })
        };
        let mut records = Vec::with_capacity(rows.len());
        for row in &rows {
            match read(row) {
                Ok(record) => records.push(record),
                Err(error) => tracing::error!(project, %error, "a secret is left out of a list"),
            }
        }
        Ok(records)
    }

    async fn delete(&self, project: &str, name: &str) -> Result<bool, StoreError> {
        let delete = "DELETE FROM secrets WHERE project = ? AND name = ?";
        let delete = sqlx::query(delete).bind(project).bind(name);
        let deleted = delete.execute(&self.pool).await.or_store()?;
        Ok(deleted.rows_affected() > 0)
    }
}

#[async_trait]
impl Secrets for SqliteStore {
    async fn open(
        &self,
        project: &str,
        name: &str,
        version: Option<u32>,
    ) -> Result<(Secret, u32), SecretError> {
        let broken = |message: String| SecretError::Sealed {
            project: project.into(),
            name: name.into(),
            message,
        };
        let row = sqlx::query(
            "SELECT version, sealed FROM secrets \
             WHERE project = ? AND name = ? AND (? IS NULL OR version = ?) \
             ORDER BY version DESC LIMIT 1",
        )
        .bind(project)
        .bind(name)
        .bind(version)
        .bind(version)
        .fetch_optional(&self.reads)
        .await
        .map_err(|error| SecretError::Unavailable { message: error.to_string() })?;
        let Some(row) = row else {
            return Err(SecretError::Missing {
                project: project.into(),
                name: name.into(),
                version,
            });
        };
        let read = |error: sqlx::Error| broken(error.to_string());
        let version: u32 = row.try_get("version").map_err(read)?;
        let sealed: &[u8] = row.try_get("sealed").map_err(read)?;
        let opened = self.key.open(&row_name(project, name, version), sealed);
        let why = "it was sealed with another key file, or changed since";
        Ok((opened.ok_or_else(|| broken(why.into()))?, version))
    }
}
