//! The store on SQLite: one file, held by one daemon.

use crate::{Key, error::OrStore, private};
use async_trait::async_trait;
use disk::Disk;
use rustix::fs::{FlockOperation, flock};
use sqlx::{
    Connection, SqlitePool,
    migrate::MigrateError,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{
    collections::BTreeMap,
    fs::File,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::{broadcast, mpsc, oneshot};
use windlass_engine::ports::store::{JobUpdates, Room, Store, StoreError, UnreadableJob};
use writer::Request;

mod approvals;
mod collection;
mod delivered;
mod deliveries;
mod disk;
mod due;
mod format;
mod hooks;
mod jobs;
mod messages;
mod outbox;
mod own_clusters;
mod own_registries;
mod pauses;
mod previews;
mod projects;
mod releases;
mod rows;
mod runs;
mod secrets;
mod sessions;
mod slices;
mod writer;

#[cfg(test)]
mod doors_tests;
#[cfg(test)]
mod quarantine_tests;
#[cfg(test)]
mod tests;

/// Store on SQLite, the only one of a daemon. Clones share what is stored.
#[derive(Clone)]
pub struct SqliteStore {
    /// Connections for what is written at once. They may wait for the lock on the file.
    pool: SqlitePool,
    /// Connections for what is only read, which waits for no lock.
    reads: SqlitePool,
    writes: mpsc::Sender<Request>,
    key: Key,
    /// Ids of jobs with new events.
    updates: broadcast::Sender<String>,
    /// Signals of new messages.
    messages: broadcast::Sender<()>,
    disk: Arc<Disk>,
    /// Jobs that this daemon leaves alone, by id, each with its reason. At most [`ASIDE`].
    aside: Arc<Mutex<BTreeMap<String, String>>>,
    _lock: Arc<File>,
}

/// Bytes of the reserve on the store's disk, unless the caller decides.
const RESERVE: u64 = 64 << 20;

/// Most jobs that are remembered as unreadable. Further ones are found unreadable each time.
const ASIDE: usize = 10_000;

/// Bytes of the write-ahead log that stay on the disk once it was written back.
const LOG_KEPT: &str = "16777216";

impl SqliteStore {
    /// Opens the store in `folder`, or makes one. Only the owner of its files may open them.
    ///
    /// # Errors
    /// Returns [`StoreError::Held`] when another process has the folder's lock, and [`StoreError::Newer`]
    /// when a newer daemon wrote the store.
    pub async fn open(folder: &Path, key: Key) -> Result<Self, StoreError> {
        Self::open_with_reserve(folder, key, RESERVE).await
    }

    /// Opens the store in `folder`, or makes one, with a reserve of so many bytes on its disk. 0 means none.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn open_with_reserve(
        folder: &Path,
        key: Key,
        reserve: u64,
    ) -> Result<Self, StoreError> {
        private::folder(folder)?;
        let lock = private::file(&folder.join("lock"))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)
            .map_err(|_| StoreError::Held(folder.display().to_string()))?;
        let file = folder.join("windlass.db");
        // SQLite gives the files beside it the same rights.
        private::file(&file)?;
        for beside in ["windlass.db-wal", "windlass.db-shm"] {
            private::close_to_others(&folder.join(beside))?;
        }
        let options = SqliteConnectOptions::new()
            .filename(file)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .pragma("journal_size_limit", LOG_KEPT)
            // Rows of up to a mebibyte are read one after the other.
            .row_buffer_size(8)
            .busy_timeout(Duration::from_secs(10));
        // Before the file is opened: on a full disk only the reserve lets it be.
        let disk = Arc::new(Disk::new(folder, reserve));
        // SQLite ends a transaction by itself where the disk is full. sqlx goes on to count it, and would refuse the
        // connection's next one for good.
        let pools = || {
            SqlitePoolOptions::new().max_connections(4).after_release(|connection, _| {
                Box::pin(async move {
                    if connection.is_in_transaction() {
                        // The rollback of a dropped transaction comes first.
                        connection.ping().await?;
                    }
                    Ok(!connection.is_in_transaction())
                })
            })
        };
        let pool = pools().connect_with(options.clone()).await.or_store()?;
        format::refuse_newer(&pool, folder).await?;
        match sqlx::migrate!("./migrations").run(&pool).await {
            Ok(()) => {}
            Err(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) => {
                return Err(error).or_store();
            }
            Err(error) => return Err(StoreError::Other(error.to_string())),
        }
        format::mark(&pool).await?;
        end_earlier_life(&pool).await?;
        // After the migration: each connection reads the schema once.
        let reads = pools().connect_with(options).await.or_store()?;
        let (updates, _) = broadcast::channel(4096);
        let connection = pool.acquire().await.or_store()?.detach();
        // Whoever has one signal unread knows that there are new ones.
        let (messages, _) = broadcast::channel(16);
        let writes = writer::start(connection, updates.clone(), messages.clone(), disk.clone());
        let aside = Arc::default();
        let lock = Arc::new(lock);
        Ok(Self { pool, reads, writes, key, updates, messages, disk, aside, _lock: lock })
    }

    /// Returns the reason for which a job is left alone. `None` means that it is not.
    fn why_aside(&self, id: &str) -> Option<String> {
        self.aside.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// Leaves a job alone from now on. The daemon's log names it once.
    fn leave(&self, job: &UnreadableJob) {
        let mut aside = self.aside.lock().unwrap_or_else(PoisonError::into_inner);
        if aside.contains_key(&job.id) {
            return;
        }
        if aside.len() < ASIDE {
            aside.insert(job.id.clone(), job.why.clone());
        }
        tracing::error!(
            job = job.id,
            app = %job.app,
            why = job.why,
            "a job in the journal cannot be read: it is left alone, and tried once more at the next start"
        );
    }
}

/// Ends the claims of earlier processes, and what they took of due work and of messages. None of them lives any more,
/// since this process has the lock.
async fn end_earlier_life(pool: &SqlitePool) -> Result<(), StoreError> {
    for end in [
        "UPDATE jobs SET claimed_by = NULL WHERE claimed_by IS NOT NULL AND ended = 0",
        "UPDATE due SET taken_until_ms = NULL WHERE taken_until_ms IS NOT NULL",
        "UPDATE outbox SET taken_until_ms = NULL WHERE taken_until_ms IS NOT NULL",
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
        self.disk.restore();
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.or_store()?;
        for write in [
            "INSERT INTO due (kind, key, at_ms) VALUES ('check', hex(randomblob(8192)), 0)",
            "DELETE FROM due WHERE kind = 'check'",
        ] {
            sqlx::query(write).execute(&mut *transaction).await.or_store()?;
        }
        transaction.commit().await.or_store()
    }

    async fn room(&self) -> Result<Room, StoreError> {
        self.disk.room()
    }

    async fn ended(&self) {
        self.writes.closed().await;
    }

    async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.writes.send(Request::Close(done)).await.is_ok() {
            let _ = closed.await;
        }
        self.reads.close().await;
        self.pool.close().await;
    }
}
