//! Sealed secrets.

use crate::{Store, StoreError, store::now_ms};
use async_trait::async_trait;
use sqlx::Row;
use windlass_engine::{ports::Secrets, records::SecretRecord};
use windlass_model::{error::SecretError, secret::Secret};

fn row_name(project: &str, name: &str, version: u32) -> String {
    format!("secret|{project}|{name}|{version}")
}

impl Store {
    /// Seals a new version.
    ///
    /// # Errors
    /// What the store says.
    pub async fn put_secret(
        &self,
        project: &str,
        name: &str,
        value: &Secret,
    ) -> Result<SecretRecord, StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let newest = "SELECT coalesce(max(version), 0) AS newest FROM secrets WHERE project = ? AND name = ?";
        let row = sqlx::query(newest).bind(project).bind(name).fetch_one(&mut *transaction).await?;
        let version = row.try_get::<u32, _>("newest")? + 1;
        let created = now_ms();
        let sealed = self.key.seal(&row_name(project, name, version), value)?;
        let insert = "INSERT INTO secrets (project, name, version, sealed, created_ms) VALUES (?, ?, ?, ?, ?)";
        sqlx::query(insert)
            .bind(project)
            .bind(name)
            .bind(version)
            .bind(sealed)
            .bind(created)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        let created_ms = u64::try_from(created).unwrap_or_default();
        Ok(SecretRecord { project: project.into(), name: name.into(), version, created_ms })
    }

    /// The newest version of each, by name.
    ///
    /// # Errors
    /// What the store says.
    pub async fn secrets(&self, project: &str) -> Result<Vec<SecretRecord>, StoreError> {
        let select = "SELECT name, max(version) AS version, created_ms FROM secrets WHERE project = ? GROUP BY name ORDER BY name";
        let rows = sqlx::query(select).bind(project).fetch_all(&self.pool).await?;
        let read = |row: &sqlx::sqlite::SqliteRow| {
            let created: i64 = row.try_get("created_ms")?;
            Ok(SecretRecord {
                project: project.into(),
                name: row.try_get("name")?,
                version: row.try_get("version")?,
                created_ms: u64::try_from(created).unwrap_or_default(),
            })
        };
        rows.iter().map(read).collect()
    }

    /// Deletes all versions; false when there was none.
    ///
    /// # Errors
    /// What the store says.
    pub async fn delete_secret(&self, project: &str, name: &str) -> Result<bool, StoreError> {
        let delete = "DELETE FROM secrets WHERE project = ? AND name = ?";
        let deleted = sqlx::query(delete).bind(project).bind(name).execute(&self.pool).await?;
        Ok(deleted.rows_affected() > 0)
    }
}

#[async_trait]
impl Secrets for Store {
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
        .fetch_optional(&self.pool)
        .await
        .map_err(|error| broken(error.to_string()))?;
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
