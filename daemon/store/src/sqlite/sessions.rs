//! Sessions of the dashboard.

use super::{
    SqliteStore,
    rows::{signed, unsigned},
};
use crate::error::OrStore;
use async_trait::async_trait;
use sqlx::Row;
use windlass_engine::ports::store::{SESSIONS_OF_A_TOKEN, SessionRecord, Sessions, StoreError};

#[async_trait]
impl Sessions for SqliteStore {
    async fn open_session(&self, session: &SessionRecord) -> Result<(), StoreError> {
        let open = "INSERT INTO sessions (id, token_sha256, principal, created_ms, seen_ms) \
                    VALUES (?, ?, ?, ?, ?)";
        sqlx::query(open)
            .bind(&session.id)
            .bind(&session.token_sha256)
            .bind(&session.principal)
            .bind(signed(session.created_ms))
            .bind(signed(session.seen_ms))
            .execute(&self.pool)
            .await
            .or_store()?;
        let close = "DELETE FROM sessions WHERE token_sha256 = ?1 AND id <> ?2 AND id NOT IN \
                     (SELECT id FROM sessions WHERE token_sha256 = ?1 AND id <> ?2 \
                      ORDER BY seen_ms DESC, id LIMIT ?3)";
        let others = i64::try_from(SESSIONS_OF_A_TOKEN - 1).unwrap_or(i64::MAX);
        let close = sqlx::query(close).bind(&session.token_sha256).bind(&session.id).bind(others);
        close.execute(&self.pool).await.or_store()?;
        Ok(())
    }

    async fn session(&self, id: &str) -> Result<Option<SessionRecord>, StoreError> {
        let select = sqlx::query("SELECT * FROM sessions WHERE id = ?");
        let row = select.bind(id).fetch_optional(&self.reads).await.or_store()?;
        let Some(row) = row else { return Ok(None) };
        let created: i64 = row.try_get("created_ms").or_store()?;
        let seen: i64 = row.try_get("seen_ms").or_store()?;
        Ok(Some(SessionRecord {
            id: id.into(),
            token_sha256: row.try_get("token_sha256").or_store()?,
            principal: row.try_get("principal").or_store()?,
            created_ms: unsigned(created),
            seen_ms: unsigned(seen),
        }))
    }

    async fn saw_session(&self, id: &str, at_ms: u64) -> Result<(), StoreError> {
        let saw = "UPDATE sessions SET seen_ms = ?2 WHERE id = ?1 AND seen_ms < ?2";
        sqlx::query(saw).bind(id).bind(signed(at_ms)).execute(&self.pool).await.or_store()?;
        Ok(())
    }

    async fn close_session(&self, id: &str) -> Result<(), StoreError> {
        let close = "DELETE FROM sessions WHERE id = ?";
        sqlx::query(close).bind(id).execute(&self.pool).await.or_store()?;
        Ok(())
    }

    async fn close_sessions_of(&self, token_sha256: &str) -> Result<(), StoreError> {
        let close = "DELETE FROM sessions WHERE token_sha256 = ?";
        sqlx::query(close).bind(token_sha256).execute(&self.pool).await.or_store()?;
        Ok(())
    }

    async fn close_old_sessions(&self, created_ms: u64, seen_ms: u64) -> Result<(), StoreError> {
        let close = "DELETE FROM sessions WHERE created_ms < ? OR seen_ms < ?";
        let close = sqlx::query(close).bind(signed(created_ms)).bind(signed(seen_ms));
        close.execute(&self.pool).await.or_store()?;
        Ok(())
    }
}
