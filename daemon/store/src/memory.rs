//! A store in memory, for tests: it keeps the promises of the port, and nothing on a disk.

use async_trait::async_trait;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tables::Tables;
use tokio::sync::broadcast;
use windlass_engine::ports::store::{JobUpdates, Room, Store, StoreError};

mod collection;
mod delivered;
mod deliveries;
mod due;
mod hooks;
mod jobs;
mod messages;
mod outbox;
mod own_clusters;
mod own_registries;
mod previews;
mod projects;
mod releases;
mod row;
mod runs;
mod secrets;
mod sessions;
mod tables;

/// A store in memory. Clones share what is stored.
#[derive(Clone)]
pub struct MemoryStore {
    tables: Arc<Mutex<Tables>>,
    updates: broadcast::Sender<String>,
    /// Signals of new messages.
    messages: broadcast::Sender<()>,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::of(Arc::default())
    }
}

impl MemoryStore {
    fn of(tables: Arc<Mutex<Tables>>) -> Self {
        Self { tables, updates: broadcast::channel(4096).0, messages: broadcast::channel(16).0 }
    }

    /// Returns the store as the next life of its daemon opens it: with all data, and without claims.
    #[must_use]
    pub fn reopened(&self) -> Self {
        let mut tables = self.tables();
        for row in tables.jobs.values_mut() {
            row.claimed_by = None;
        }
        for scheduled in tables.due.values_mut() {
            scheduled.taken_until_ms = None;
        }
        tables.messages.release();
        tables.aside.clear();
        Self::of(self.tables.clone())
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl JobUpdates for MemoryStore {
    fn updates(&self) -> broadcast::Receiver<String> {
        self.updates.subscribe()
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn check(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn room(&self) -> Result<Room, StoreError> {
        Ok(Room { free_bytes: u64::MAX, disk_bytes: u64::MAX, uses_reserve: false })
    }

    async fn ended(&self) {
        std::future::pending().await
    }

    async fn close(&self) {}
}
