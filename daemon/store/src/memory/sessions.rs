//! Sessions in memory.

use super::MemoryStore;
use async_trait::async_trait;
use std::cmp::Reverse;
use windlass_engine::ports::store::{SESSIONS_OF_A_TOKEN, SessionRecord, Sessions, StoreError};

#[async_trait]
impl Sessions for MemoryStore {
    async fn open_session(&self, session: &SessionRecord) -> Result<(), StoreError> {
        let mut tables = self.tables();
        if tables.sessions.contains_key(&session.id) {
            return Err(StoreError::Other("there is a session of this id already".into()));
        }
        let of_token =
            tables.sessions.values().filter(|one| one.token_sha256 == session.token_sha256);
        let mut others: Vec<_> =
            of_token.map(|one| (Reverse(one.seen_ms), one.id.clone())).collect();
        others.sort_unstable();
        for (_, id) in others.into_iter().skip(SESSIONS_OF_A_TOKEN - 1) {
            tables.sessions.remove(&id);
        }
        tables.sessions.insert(session.id.clone(), session.clone());
        Ok(())
    }

    async fn session(&self, id: &str) -> Result<Option<SessionRecord>, StoreError> {
        Ok(self.tables().sessions.get(id).cloned())
    }

    async fn saw_session(&self, id: &str, at_ms: u64) -> Result<(), StoreError> {
        if let Some(session) = self.tables().sessions.get_mut(id) {
            session.seen_ms = session.seen_ms.max(at_ms);
        }
        Ok(())
    }

    async fn close_session(&self, id: &str) -> Result<(), StoreError> {
        self.tables().sessions.remove(id);
        Ok(())
    }

    async fn close_sessions_of(&self, token_sha256: &str) -> Result<(), StoreError> {
        self.tables().sessions.retain(|_, session| session.token_sha256 != token_sha256);
        Ok(())
    }

    async fn close_old_sessions(&self, created_ms: u64, seen_ms: u64) -> Result<(), StoreError> {
        self.tables()
            .sessions
            .retain(|_, session| session.created_ms >= created_ms && session.seen_ms >= seen_ms);
        Ok(())
    }
}
