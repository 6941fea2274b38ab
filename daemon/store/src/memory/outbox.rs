//! The outbox in memory.

use super::MemoryStore;
use async_trait::async_trait;
use tokio::sync::broadcast;
use windlass_engine::ports::store::{
    Attempt, MessageCount, Notice, Outbox, OutboxFilter, StoreError,
};
use windlass_model::outbox::Message;

#[async_trait]
impl Outbox for MemoryStore {
    async fn add_notice(&self, notice: &Notice) -> Result<bool, StoreError> {
        let is_added = self.tables().messages.add_notice(notice);
        if is_added {
            let _ = self.messages.send(());
        }
        Ok(is_added)
    }

    async fn take_messages(
        &self,
        now_ms: u64,
        until_ms: u64,
        limit: u32,
    ) -> Result<Vec<Message>, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Ok(self.tables().messages.take(now_ms, until_ms, limit))
    }

    async fn put_off(&self, id: &str, until_ms: u64) -> Result<(), StoreError> {
        self.tables().messages.put_off(id, until_ms);
        Ok(())
    }

    async fn attempted(&self, id: &str, attempt: &Attempt) -> Result<(), StoreError> {
        self.tables().messages.attempted(id, attempt);
        Ok(())
    }

    async fn hasten_messages(&self, now_ms: u64) -> Result<u64, StoreError> {
        let count = self.tables().messages.hasten(now_ms);
        if count > 0 {
            let _ = self.messages.send(());
        }
        Ok(count)
    }

    async fn next_message(&self) -> Result<Option<u64>, StoreError> {
        Ok(self.tables().messages.next_ms())
    }

    async fn message(&self, id: &str) -> Result<Option<Message>, StoreError> {
        Ok(self.tables().messages.get(id).cloned())
    }

    async fn messages(&self, filter: &OutboxFilter) -> Result<Vec<Message>, StoreError> {
        Ok(self.tables().messages.list(filter))
    }

    async fn message_counts(&self) -> Result<Vec<MessageCount>, StoreError> {
        Ok(self.tables().messages.counts())
    }

    async fn replay_message(&self, id: &str, now_ms: u64) -> Result<bool, StoreError> {
        let is_replayed = self.tables().messages.replay(id, now_ms);
        if is_replayed {
            let _ = self.messages.send(());
        }
        Ok(is_replayed)
    }

    async fn drop_message(&self, id: &str) -> Result<bool, StoreError> {
        Ok(self.tables().messages.discard(id))
    }

    async fn forget_messages(&self, at_ms: u64) -> Result<(), StoreError> {
        self.tables().messages.forget(at_ms);
        Ok(())
    }

    fn new_messages(&self) -> broadcast::Receiver<()> {
        self.messages.subscribe()
    }
}
