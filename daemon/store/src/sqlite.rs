//! The store on SQLite: one file, held by one daemon.

use crate::{Key, error::OrStore};
use async_trait::async_trait;
use rustix::fs::{FlockOperation, flock};
use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{
    fs::{File, OpenOptions},
    path::Path,
    sync::Arc,
    time::Duration,
};
use tokio::sync::{broadcast, mpsc};
use windlass_engine::ports::store::{JobUpdates, Store, StoreError};
use writer::Write;

mod due;
mod jobs;
mod releases;
mod rows;
mod runs;
mod secrets;
mod writer;

#[cfg(test)]
mod tests;

/// Store on SQLite, the only one of a daemon. Clones share what is stored.
#[derive(Clone)]
pub struct SqliteStore {
    pool: SqlitePool,
    writes: mpsc::Sender<Write>,
    key: Key,
    /// Ids of jobs with new events.
    updates: broadcast::Sender<String>,
    _lock: Arc<File>,
}

impl SqliteStore {
    /// Opens the store in `folder`, or makes one.
    ///
    /// # Errors
    /// Returns [`StoreError::Held`] when another process has the folder's lock.
    pub async fn open(folder: &Path, key: Key) -> Result<Self, StoreError> {
        std::fs::create_dir_all(folder).or_store()?;
        let lock = OpenOptions::new().create(true).append(true).open(folder.join("lock"));
        let lock = lock.or_store()?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)
            .map_err(|_| StoreError::Held(folder.display().to_string()))?;
        let options = SqliteConnectOptions::new()
            .filename(folder.join("windlass.db"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(10));
        let pool = SqlitePoolOptions::new().max_connections(4).connect_with(options).await;
        let pool = pool.or_store()?;
        let migrated = sqlx::migrate!("./migrations").run(&pool).await;
        migrated.map_err(|error| StoreError::Other(error.to_string()))?;
        end_earlier_life(&pool).await?;
        let (updates, _) = broadcast::channel(4096);
        let writes = writer::start(pool.acquire().await.or_store()?.detach(), updates.clone());
        Ok(Self { pool, writes, key, updates, _lock: Arc::new(lock) })
    }
}

/// Ends the claims of earlier processes, and what they took of due work. None of them lives any more, since
/// this process has the lock.
async fn end_earlier_life(pool: &SqlitePool) -> Result<(), StoreError> {
    for end in [
        "UPDATE jobs SET claimed_by = NULL WHERE claimed_by IS NOT NULL AND ended = 0",
        "UPDATE due SET taken_until_ms = NULL WHERE taken_until_ms IS NOT NULL",
    ] {
        sqlx::query(end).execute(pool).await.or_store()?;
    }
    Ok(())
}

impl JobUpdates for SqliteStore {
    fn updates(&self) -> broadcast::Receiver<String> {
        self.updates.subscribe()
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn check(&self) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.or_store()?;
        for write in [
            "INSERT INTO due (kind, key, at_ms) VALUES ('check', hex(randomblob(8192)), 0)",
            "DELETE FROM due WHERE kind = 'check'",
        ] {
            sqlx::query(write).execute(&mut *transaction).await.or_store()?;
        }
        transaction.commit().await.or_store()
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}
