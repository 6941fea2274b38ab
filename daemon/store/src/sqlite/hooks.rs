//! Hooks that forges call, with their sealed secrets.

use super::{
    SqliteStore,
    rows::{signed, unsigned},
    writer::Fact,
};
use crate::error::OrStore;
use async_trait::async_trait;
use sqlx::{Row, sqlite::SqliteRow};
use windlass_engine::ports::store::{ForgeHooks, HOOKS_LISTED, HookRecord, OpenedHook, StoreError};
use windlass_model::secret::Secret;

/// Returns the name that a hook's secrets are bound to: a row with another project or repository does not open. The
/// name of the repository comes last, since it alone may have any form.
fn row_name(id: &str, project: &str, repository: &str) -> String {
    format!("hook|{id}|{project}|{repository}")
}

#[async_trait]
impl ForgeHooks for SqliteStore {
    async fn create_hook(&self, record: &HookRecord, secret: &Secret) -> Result<(), StoreError> {
        let name = row_name(&record.id, &record.project, &record.repository);
        sqlx::query(
            "INSERT INTO hooks (id, project, repository, sealed, previous_until_ms, created_ms, \
             created_by, seen_ms, repository_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&record.id)
        .bind(&record.project)
        .bind(&record.repository)
        .bind(self.key.seal(&name, secret)?)
        .bind(record.previous_until_ms.map(signed))
        .bind(signed(record.created_ms))
        .bind(&record.by)
        .bind(record.seen_ms.map(signed))
        .bind(record.repository_id.as_deref())
        .execute(&self.pool)
        .await
        .or_store()?;
        Ok(())
    }

    async fn open_hook(&self, id: &str, now_ms: u64) -> Result<Option<OpenedHook>, StoreError> {
        let select = sqlx::query("SELECT * FROM hooks WHERE id = ?");
        let row = select.bind(id).fetch_optional(&self.reads).await.or_store()?;
        let Some(row) = row else { return Ok(None) };
        let record = record(&row)?;
        let name = row_name(id, &record.project, &record.repository);
        let open = |sealed: &[u8]| {
            self.key.open(&name, sealed).ok_or_else(|| StoreError::Unreadable {
                what: format!("a secret of hook {id}"),
                why: "it was sealed with another key file, or changed since".into(),
            })
        };
        let secret = open(row.try_get("sealed").or_store()?)?;
        let is_valid = record.previous_until_ms.is_some_and(|until| until > now_ms);
        let previous: Option<&[u8]> = row.try_get("previous").or_store()?;
        let previous = previous.filter(|_| is_valid).map(open).transpose()?;
        Ok(Some(OpenedHook { record, secret, previous }))
    }

    async fn hooks(&self, project: &str) -> Result<Vec<HookRecord>, StoreError> {
        let select = "SELECT * FROM hooks WHERE project = ? ORDER BY created_ms, id LIMIT ?";
        let select = sqlx::query(select).bind(project).bind(HOOKS_LISTED);
        let rows = select.fetch_all(&self.reads).await.or_store()?;
        rows.iter().map(record).collect()
    }

    async fn rotate_hook(
        &self,
        id: &str,
        secret: &Secret,
        previous_until_ms: u64,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.or_store()?;
        let select = sqlx::query("SELECT project, repository FROM hooks WHERE id = ?").bind(id);
        let row = select.fetch_optional(&mut *transaction).await.or_store()?;
        let Some(row) = row else { return Ok(false) };
        let project: &str = row.try_get("project").or_store()?;
        let repository: &str = row.try_get("repository").or_store()?;
        let sealed = self.key.seal(&row_name(id, project, repository), secret)?;
        let rotate = "UPDATE hooks SET previous = sealed, previous_until_ms = ?2, sealed = ?3 \
                      WHERE id = ?1";
        let rotate = sqlx::query(rotate).bind(id).bind(signed(previous_until_ms)).bind(sealed);
        rotate.execute(&mut *transaction).await.or_store()?;
        transaction.commit().await.or_store()?;
        Ok(true)
    }

    async fn delete_hook(&self, id: &str) -> Result<bool, StoreError> {
        let delete = sqlx::query("DELETE FROM hooks WHERE id = ?").bind(id);
        let deleted = delete.execute(&self.pool).await.or_store()?;
        Ok(deleted.rows_affected() > 0)
    }

    async fn saw_hook(&self, id: &str, at_ms: u64, repository_id: &str) -> Result<(), StoreError> {
        let repository_id = repository_id.into();
        self.receive(Fact::Seen { hook: id.into(), at_ms, repository_id }).await?;
        Ok(())
    }
}

/// Reads a row of `hooks`, without its secrets.
fn record(row: &SqliteRow) -> Result<HookRecord, StoreError> {
    let created: i64 = row.try_get("created_ms").or_store()?;
    let until: Option<i64> = row.try_get("previous_until_ms").or_store()?;
    let seen: Option<i64> = row.try_get("seen_ms").or_store()?;
    Ok(HookRecord {
        id: row.try_get("id").or_store()?,
        project: row.try_get("project").or_store()?,
        repository: row.try_get("repository").or_store()?,
        created_ms: unsigned(created),
        by: row.try_get("created_by").or_store()?,
        previous_until_ms: until.map(unsigned),
        seen_ms: seen.map(unsigned),
        repository_id: row.try_get("repository_id").or_store()?,
    })
}
