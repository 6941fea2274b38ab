//! Opening the store.

use crate::{
    Key, StoreError,
    writer::{self, Write},
};
use rustix::fs::{FlockOperation, flock};
use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{
    fs::{File, OpenOptions},
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::sync::{broadcast, mpsc};

/// The one journal of a daemon. Clones share it.
#[derive(Clone)]
pub struct Store {
    pub(crate) pool: SqlitePool,
    pub(crate) writes: mpsc::Sender<Write>,
    pub(crate) key: Key,
    /// Ids of jobs with something new.
    pub(crate) updates: broadcast::Sender<String>,
    _lock: Arc<File>,
}

impl Store {
    /// Opens the store in `folder`, or makes one.
    ///
    /// # Errors
    /// [`StoreError::Held`] when another process has it; what SQLite says otherwise.
    pub async fn open(folder: &Path, key: Key) -> Result<Self, StoreError> {
        std::fs::create_dir_all(folder)?;
        let lock = OpenOptions::new().create(true).append(true).open(folder.join("lock"))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)
            .map_err(|_| StoreError::Held(folder.display().to_string()))?;
        let options = SqliteConnectOptions::new()
            .filename(folder.join("windlass.db"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(10));
        let pool = SqlitePoolOptions::new().max_connections(4).connect_with(options).await?;
        let migrated = sqlx::migrate!("./migrations").run(&pool).await;
        migrated.map_err(|error| StoreError::Other(error.to_string()))?;
        let (updates, _) = broadcast::channel(4096);
        let writes = writer::start(pool.acquire().await?.detach(), updates.clone());
        Ok(Self { pool, writes, key, updates, _lock: Arc::new(lock) })
    }

    /// Ids of jobs as their events are stored. A receiver that falls behind must look for itself.
    #[must_use]
    pub fn updates(&self) -> broadcast::Receiver<String> {
        self.updates.subscribe()
    }

    /// Closes the file: all that was committed is on the disk.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Whether a write goes through now.
    ///
    /// # Errors
    /// What keeps it from doing so.
    pub async fn check(&self) -> Result<(), StoreError> {
        let at = i64::MAX;
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query("INSERT INTO due (at_ms, work) VALUES (?, hex(randomblob(8192)))")
            .bind(at)
            .execute(&mut *transaction)
            .await?;
        sqlx::query("DELETE FROM due WHERE at_ms = ?").bind(at).execute(&mut *transaction).await?;
        Ok(transaction.commit().await?)
    }
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

pub(crate) fn to_json<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Other(error.to_string()))
}

pub(crate) fn from_json<T: serde::de::DeserializeOwned>(
    what: &str,
    json: &str,
) -> Result<T, StoreError> {
    serde_json::from_str(json)
        .map_err(|error| StoreError::Unreadable { what: what.into(), why: error.to_string() })
}
