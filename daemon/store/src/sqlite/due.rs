//! Work that is due later.

use super::{
    SqliteStore,
    rows::{signed, unsigned},
    slices::Rows,
};
use crate::{error::OrStore, upcast};
use async_trait::async_trait;
use sqlx::{Row, sqlite::SqliteRow};
use windlass_engine::ports::store::{DueWork, StoreError};
use windlass_model::due::{Due, DueKind};

#[async_trait]
impl DueWork for SqliteStore {
    async fn take_due(
        &self,
        now_ms: u64,
        until_ms: u64,
        limit: u32,
    ) -> Result<Vec<Due>, StoreError> {
        let rows = sqlx::query(
            "UPDATE due SET taken_until_ms = ?1 WHERE (kind, key) IN (SELECT kind, key FROM due \
             WHERE at_ms <= ?2 AND coalesce(taken_until_ms, 0) <= ?2 \
             AND kind IN (SELECT value FROM json_each(?3)) ORDER BY at_ms LIMIT ?4) \
             RETURNING kind, key, at_ms",
        )
        .bind(signed(until_ms))
        .bind(signed(now_ms))
        .bind(kinds()?)
        .bind(limit)
        .fetch_all(&self.pool)
        .await
        .or_store()?;
        let mut taken = Vec::with_capacity(rows.len());
        for row in &rows {
            match due(row) {
                Ok(due) => taken.push(due),
                // It stays taken, and comes again when that ends.
                Err(error) => tracing::error!(%error, "due work cannot be read: it is left alone"),
            }
        }
        taken.sort_by_key(|due| due.at_ms);
        Ok(taken)
    }

    async fn finish_due(&self, due: &Due, next_ms: Option<u64>) -> Result<(), StoreError> {
        let finish = match next_ms {
            Some(_) => {
                "UPDATE due SET at_ms = ?4, taken_until_ms = NULL WHERE kind = ?1 AND key = ?2 \
                 AND at_ms = ?3 AND taken_until_ms IS NOT NULL"
            }
            None => {
                "DELETE FROM due WHERE kind = ?1 AND key = ?2 AND at_ms = ?3 \
                 AND taken_until_ms IS NOT NULL"
            }
        };
        let mut finish =
            sqlx::query(finish).bind(due.kind.as_str()).bind(&due.key).bind(signed(due.at_ms));
        if let Some(next_ms) = next_ms {
            finish = finish.bind(signed(next_ms));
        }
        finish.execute(&self.pool).await.or_store()?;
        Ok(())
    }

    async fn hasten(
        &self,
        kind: DueKind,
        project: Option<&str>,
        now_ms: u64,
    ) -> Result<(), StoreError> {
        // What is taken may have read the login of before: it is done once more. `0` follows `/`: the keys of a project's
        // apps are between both.
        let hasten = sqlx::query(
            "UPDATE due SET at_ms = ?2, taken_until_ms = NULL WHERE kind = ?1 \
             AND (at_ms > ?2 OR taken_until_ms IS NOT NULL) \
             AND (?3 IS NULL OR (key >= ?3 || '/' AND key < ?3 || '0'))",
        );
        let hasten = hasten.bind(kind.as_str()).bind(signed(now_ms)).bind(project);
        hasten.execute(&self.pool).await.or_store()?;
        Ok(())
    }

    async fn next_due(&self) -> Result<Option<u64>, StoreError> {
        let row = sqlx::query(
            "SELECT min(max(at_ms, coalesce(taken_until_ms, 0))) AS at_ms FROM due \
             WHERE kind IN (SELECT value FROM json_each(?))",
        )
        .bind(kinds()?)
        .fetch_one(&self.reads)
        .await
        .or_store()?;
        let at_ms: Option<i64> = row.try_get("at_ms").or_store()?;
        Ok(at_ms.map(unsigned))
    }

    async fn forget_logs(&self, job: &str) -> Result<(), StoreError> {
        let slice = "DELETE FROM logs WHERE job = ?1 AND seq IN \
                     (SELECT seq FROM logs WHERE job = ?1 ORDER BY seq LIMIT ?2)";
        self.forget(slice, Rows::OfJob(job)).await
    }

    async fn forget_job(&self, job: &str) -> Result<(), StoreError> {
        self.forget_logs(job).await?;
        let slice = "DELETE FROM events WHERE job = ?1 AND seq IN \
                     (SELECT seq FROM events WHERE job = ?1 ORDER BY seq LIMIT ?2)";
        self.forget(slice, Rows::OfJob(job)).await?;
        let delete = sqlx::query("DELETE FROM jobs WHERE id = ?");
        delete.bind(job).execute(&self.pool).await.or_store()?;
        Ok(())
    }
}

/// Returns the kinds of work that this daemon does, as a list for `json_each`. Other kinds are left to a newer
/// daemon.
fn kinds() -> Result<String, StoreError> {
    upcast::write(&DueKind::ALL.map(DueKind::as_str))
}

fn due(row: &SqliteRow) -> Result<Due, StoreError> {
    let word: &str = row.try_get("kind").or_store()?;
    let key: String = row.try_get("key").or_store()?;
    let at_ms: i64 = row.try_get("at_ms").or_store()?;
    let kind = DueKind::parse(word).ok_or_else(|| StoreError::Unreadable {
        what: format!("due work on {key}"),
        why: format!("`{word}` is not a kind of work"),
    })?;
    Ok(Due { kind, key, at_ms: unsigned(at_ms) })
}
