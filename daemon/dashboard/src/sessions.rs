//! Sessions: rows in the store, of which the browser has the key.

use sha2::{Digest, Sha256};
use std::{sync::Arc, time::Duration};
use windlass_engine::ports::store::{self, SessionRecord, StoreError};
use windlass_model::clock::now_ms;

/// Time between two records of a session's use: a page asks often.
const SEEN_EACH: Duration = Duration::from_secs(60);

/// The sessions of all browsers.
pub(crate) struct Sessions {
    store: Arc<dyn store::Sessions>,
    idle: Duration,
    pub(crate) total: Duration,
}

/// Returns the SHA-256 of bytes, in hex.
pub(crate) fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

impl Sessions {
    pub(crate) fn new(store: Arc<dyn store::Sessions>, idle: Duration, total: Duration) -> Self {
        Self { store, idle, total }
    }

    /// Opens a session, and returns the value of its cookie. The store has only the hash of it.
    pub(crate) async fn open(
        &self,
        token_sha256: String,
        principal: String,
    ) -> Result<String, StoreError> {
        let now = now_ms();
        let oldest = |age: Duration| now.saturating_sub(millis(age));
        self.store.close_old_sessions(oldest(self.total), oldest(self.idle)).await?;
        let value = hex::encode(rand::random::<[u8; 32]>());
        let id = hash(value.as_bytes());
        let session = SessionRecord { id, token_sha256, principal, created_ms: now, seen_ms: now };
        self.store.open_session(&session).await?;
        Ok(value)
    }

    /// Returns the session of a cookie, and records the use. `None` means that it is over, or was never opened.
    pub(crate) async fn used(&self, value: &str) -> Result<Option<SessionRecord>, StoreError> {
        let session = self.store.session(&hash(value.as_bytes())).await?;
        let now = now_ms();
        let Some(session) = session.filter(|session| self.lives(session, now)) else {
            return Ok(None);
        };
        if now.saturating_sub(session.seen_ms) >= millis(SEEN_EACH) {
            self.store.saw_session(&session.id, now).await?;
        }
        Ok(Some(session))
    }

    /// Returns whether a session is still open. A store that does not answer closes none.
    pub(crate) async fn is_open(&self, id: &str) -> bool {
        match self.store.session(id).await {
            Ok(session) => session.is_some_and(|session| self.lives(&session, now_ms())),
            Err(_) => true,
        }
    }

    fn lives(&self, session: &SessionRecord, now: u64) -> bool {
        now.saturating_sub(session.created_ms) < millis(self.total)
            && now.saturating_sub(session.seen_ms) < millis(self.idle)
    }

    pub(crate) async fn close(&self, session: &SessionRecord) -> Result<(), StoreError> {
        self.store.close_session(&session.id).await
    }

    /// Closes all sessions that the same token opened.
    pub(crate) async fn close_all(&self, session: &SessionRecord) -> Result<(), StoreError> {
        self.store.close_sessions_of(&session.token_sha256).await
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_store::MemoryStore;

    const HOUR: Duration = Duration::from_secs(3600);

    fn sessions(store: &Arc<MemoryStore>, idle: Duration, total: Duration) -> Sessions {
        Sessions::new(store.clone(), idle, total)
    }

    #[tokio::test]
    async fn a_cookie_is_good_until_its_session_is_closed() {
        let store = Arc::new(MemoryStore::default());
        let sessions = sessions(&store, HOUR, HOUR);
        let one = sessions.open("ab".into(), "ada".into()).await.unwrap();
        let two = sessions.open("ab".into(), "ada".into()).await.unwrap();
        let other = sessions.open("cd".into(), "eve".into()).await.unwrap();
        let session = sessions.used(&one).await.unwrap().unwrap();
        assert_eq!((&*session.token_sha256, &*session.principal), ("ab", "ada"));
        // The store's key is no cookie.
        assert!(sessions.used(&session.id).await.unwrap().is_none());
        sessions.close(&session).await.unwrap();
        assert!(sessions.used(&one).await.unwrap().is_none());
        let second = sessions.used(&two).await.unwrap().unwrap();
        sessions.close_all(&second).await.unwrap();
        assert!(!sessions.is_open(&second.id).await);
        assert!(sessions.used(&other).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn a_session_ends_without_use_and_after_its_time() {
        let store = Arc::new(MemoryStore::default());
        let long = sessions(&store, HOUR, HOUR);
        let value = long.open("ab".into(), "ada".into()).await.unwrap();
        for (idle, total) in [(Duration::ZERO, HOUR), (HOUR, Duration::ZERO)] {
            let short = sessions(&store, idle, total);
            assert!(short.used(&value).await.unwrap().is_none());
        }
        assert!(long.used(&value).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn a_clock_that_is_set_back_ends_no_session() {
        let store = Arc::new(MemoryStore::default());
        let sessions = sessions(&store, HOUR, HOUR);
        let value = sessions.open("ab".into(), "ada".into()).await.unwrap();
        let session = sessions.used(&value).await.unwrap().unwrap();
        let before = session.created_ms - 2 * millis(HOUR);
        assert!(sessions.lives(&session, before));
        assert!(!sessions.lives(&session, session.created_ms + millis(HOUR)));
    }
}
