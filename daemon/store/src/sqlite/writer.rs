//! The only task that writes events, and what forges report. What waits together is one transaction.

use super::{
    disk::Disk,
    messages::{self, Cause},
    rows::{signed, state, unsigned},
};
use crate::{
    error::{OrStore, is_of_all},
    upcast,
};
use sqlx::{Row, SqliteConnection};
use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::{broadcast, mpsc};
use windlass_engine::ports::store::StoreError;
use windlass_model::{
    approval::hold,
    clock::now_ms,
    contraction::Contraction,
    due::{Due, due_after},
};
use windlass_model::{
    event::Event,
    job::Release,
    outbox::{mark_of, moment_of},
    outcome::{Outcome, Removed},
    replay::state_after,
    runtime::MigrationPhase,
};

mod lines;
mod migrated;
mod pushed;
mod receipts;
mod request;

pub(super) use request::{Done, Fact, Receipt, Request, Write};

/// Most events in one transaction.
const BATCH: usize = 512;

/// Time for which another process may hold the lock on the file before events are refused.
const LOCK_WAIT: Duration = Duration::from_secs(120);

pub(super) fn start(
    // Not the pool's: closing the pool would wait for it for ever.
    connection: SqliteConnection,
    updates: broadcast::Sender<String>,
    messages: broadcast::Sender<()>,
    disk: Arc<Disk>,
) -> mpsc::Sender<Request> {
    let (send, mut receive) = mpsc::channel(BATCH);
    let mut writer = Writer { connection, updates, messages, disk };
    tokio::spawn(async move {
        let mut requests = Vec::with_capacity(BATCH);
        while receive.recv_many(&mut requests, BATCH).await > 0 {
            let mut batch = Vec::with_capacity(requests.len());
            let mut receipts = Vec::new();
            let mut closing = None;
            for request in requests.drain(..) {
                match request {
                    Request::Append(write) => batch.push(write),
                    Request::Receive(receipt) => receipts.push(receipt),
                    Request::Close(done) => closing = Some(done),
                }
            }
            writer.write(batch).await;
            receipts::store(&mut writer.connection, &writer.disk, receipts).await;
            if let Some(done) = closing {
                writer.close().await;
                let _ = done.send(());
                return;
            }
        }
    });
    send
}

struct Writer {
    connection: SqliteConnection,
    updates: broadcast::Sender<String>,
    messages: broadcast::Sender<()>,
    disk: Arc<Disk>,
}

impl Writer {
    /// Stores events, and answers each. An event that cannot be stored is no error of the others.
    async fn write(&mut self, batch: Vec<Write>) {
        let error = match self.store(&batch).await {
            Ok(results) => {
                let mut told = None;
                for (write, result) in batch.into_iter().zip(results) {
                    // Whoever follows a job reads all that is new of it.
                    let is_told = told.as_ref() == Some(&write.claim.job);
                    let job = self.answer(write, result, is_told);
                    told = job.or(told);
                }
                return;
            }
            Err(error) => error,
        };
        // A disk without room for all these lines may have room for the end of a job.
        let mut may_fit = matches!(error, StoreError::Full(_)) && batch.iter().any(is_line);
        let mut of_all = Some(error).filter(is_of_all);
        for write in batch {
            let result = match &of_all {
                Some(_) if may_fit && !is_line(&write) => {
                    let result = self.store(std::slice::from_ref(&write)).await.and_then(only);
                    may_fit = !result.as_ref().is_err_and(is_of_all);
                    result
                }
                Some(error) => Err(error.clone()),
                // One of them made the transaction fail: each has one of its own now.
                None => self.store(std::slice::from_ref(&write)).await.and_then(only),
            };
            // The lock is waited for once, and not once more for each of the events.
            if let Err(error) = &result
                && is_of_all(error)
            {
                of_all = Some(error.clone());
            }
            let _ = self.answer(write, result, false);
        }
    }

    /// Answers one write. Returns the job of which followers know now.
    fn answer(
        &self,
        write: Write,
        result: Result<(), StoreError>,
        is_told: bool,
    ) -> Option<String> {
        let told = (result.is_ok() && !is_told).then(|| write.claim.job.clone());
        if let Some(job) = &told {
            let _ = self.updates.send(job.clone());
        }
        match write.done {
            Done::Waits(done) => {
                let _ = done.send(result);
            }
            Done::Ahead(answer) => answer.give(result),
        }
        told
    }

    /// Stores a batch, or nothing of it. Waits for the lock on the file, and uses the reserve of a full disk.
    async fn store(&mut self, batch: &[Write]) -> Result<Vec<Result<(), StoreError>>, StoreError> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        self.disk.restore();
        let began = Instant::now();
        loop {
            match commit(&mut self.connection, batch).await {
                Ok(committed) => {
                    if committed.has_messages {
                        let _ = self.messages.send(());
                    }
                    return Ok(committed.results);
                }
                Err(StoreError::Busy(why)) if began.elapsed() < LOCK_WAIT => {
                    let seconds = began.elapsed().as_secs();
                    tracing::warn!(
                        seconds,
                        events = batch.len(),
                        why,
                        "another process holds the lock on the journal: events wait"
                    );
                }
                Err(StoreError::Full(_)) if self.disk.release() => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Brings lines to the disk that were stored without waiting for it.
    async fn close(&mut self) {
        for sync in ["PRAGMA synchronous = FULL", "PRAGMA wal_checkpoint(TRUNCATE)"] {
            if let Err(error) = sqlx::query(sync).execute(&mut self.connection).await {
                tracing::warn!(%error, "the last lines of logs may not be on the disk");
            }
        }
    }
}

/// Returns the result of the only write of a batch.
fn only(results: Vec<Result<(), StoreError>>) -> Result<(), StoreError> {
    results.into_iter().collect()
}

/// Batch that is on the disk.
struct Committed {
    /// Results of the writes, in their order: an event that its job refuses is no error of other events.
    results: Vec<Result<(), StoreError>>,
    /// The events added messages to the outbox.
    has_messages: bool,
}

/// Stores a batch, or nothing of it.
async fn commit(
    connection: &mut SqliteConnection,
    batch: &[Write],
) -> Result<Committed, StoreError> {
    // Log lines need not be on the disk before more work is done. A killed process loses no line, since
    // the kernel has the file's content by then.
    let wait = !batch.iter().all(is_line);
    let pragma = if wait { "PRAGMA synchronous = FULL" } else { "PRAGMA synchronous = NORMAL" };
    sqlx::query(pragma).execute(&mut *connection).await.or_store()?;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await.or_store()?;
    let written = async {
        let mut committed = Committed { results: vec![Ok(()); batch.len()], has_messages: false };
        for group in groups(batch) {
            let of_group: Vec<_> = group.iter().filter_map(|&at| batch.get(at)).collect();
            let refusal = match *of_group {
                [only] if !is_line(only) => match append(connection, only).await? {
                    Ok(has_messages) => {
                        committed.has_messages |= has_messages;
                        None
                    }
                    Err(refusal) => Some(refusal),
                },
                _ => lines::append(connection, &of_group).await?,
            };
            if let Some(refusal) = refusal {
                for at in group {
                    if let Some(result) = committed.results.get_mut(at) {
                        *result = Err(refusal.clone());
                    }
                }
            }
        }
        sqlx::query("COMMIT").execute(&mut *connection).await.or_store()?;
        Ok(committed)
    };
    let written = written.await;
    if written.is_err() {
        let _ = sqlx::query("ROLLBACK").execute(&mut *connection).await;
    }
    written
}

fn is_line(write: &Write) -> bool {
    matches!(write.event, Event::Log { .. })
}

/// Groups the writes of a batch, by their places: the lines of a claim between two other events of it are one
/// group, each other event is one by itself. The writes of a claim stay in order.
fn groups(batch: &[Write]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut open: HashMap<(&str, u64), usize> = HashMap::new();
    for (at, write) in batch.iter().enumerate() {
        let claim = (write.claim.job.as_str(), write.claim.fence);
        let group = open.get(&claim).and_then(|&group| groups.get_mut(group));
        match group {
            Some(group) if is_line(write) => group.push(at),
            _ => {
                if is_line(write) {
                    open.insert(claim, groups.len());
                } else {
                    // Of other claims of the job, too: their lines come after this event.
                    open.retain(|(job, _), _| *job != claim.0);
                }
                groups.push(vec![at]);
            }
        }
    }
    groups
}

/// Stores one event that is no log line, with all that follows from it. Returns whether it added messages. An inner
/// error means that the job refuses the event.
async fn append(
    connection: &mut SqliteConnection,
    write: &Write,
) -> Result<Result<bool, StoreError>, StoreError> {
    let Write { claim, event, .. } = write;
    let now = now_ms();
    let counted = sqlx::query(
        "UPDATE jobs SET last_seq = last_seq + 1 WHERE id = ? AND ended = 0 AND fence = ? \
         RETURNING last_seq, state, project, receivers, version",
    )
    .bind(&claim.job)
    .bind(signed(claim.fence))
    .fetch_optional(&mut *connection)
    .await
    .or_store()?;
    let Some(counted) = counted else { return lines::refusal(connection, claim).await.map(Err) };
    let seq: i64 = counted.try_get("last_seq").or_store()?;
    sqlx::query("INSERT INTO events (job, seq, at_ms, event, version) VALUES (?, ?, ?, ?, ?)")
        .bind(&claim.job)
        .bind(seq)
        .bind(signed(now))
        .bind(upcast::write(event)?)
        .bind(upcast::VERSION)
        .execute(&mut *connection)
        .await
        .or_store()?;
    for due in due_after(&claim.job, now, event) {
        schedule(connection, &due).await?;
    }
    if let Event::Migrated { cluster, release, digest, phase, key, at_ms } = event {
        migrated::store(connection, &claim.job, cluster, key, *at_ms).await?;
        if *phase == MigrationPhase::Contract {
            let (release, digest) = (release.clone(), digest.clone());
            let contraction = Contraction { release, digest, at_ms: *at_ms };
            migrated::contract(connection, &claim.job, cluster, &contraction).await?;
        }
    }
    if let Event::Pushed(release) = event {
        pushed::keep_image(connection, release).await?;
    }
    let mut has_messages = false;
    if let Some(moment) = moment_of(event) {
        let (mark, seq) = (mark_of(event), unsigned(seq));
        let cause = Cause { job: &claim.job, moment, mark, seq, now_ms: now };
        let audience = messages::audience(&counted, &claim.job);
        has_messages = messages::add(connection, &audience, &cause).await?;
    }
    let before = state(&claim.job, counted.try_get("state").or_store()?)?;
    let Some((state, stage)) = state_after(before, event) else { return Ok(Ok(has_messages)) };
    let held = hold(event).as_ref().map(upcast::write).transpose()?;
    let update = "UPDATE jobs SET state = ?, stage = coalesce(?, stage), ended = ?, held = ?, \
                  held_version = ? WHERE id = ?";
    sqlx::query(update)
        .bind(state.as_str())
        .bind(stage.map(|stage| stage.to_string()))
        .bind(matches!(event, Event::Ended(_)))
        .bind(held)
        .bind(upcast::VERSION)
        .bind(&claim.job)
        .execute(&mut *connection)
        .await
        .or_store()?;
    match event {
        Event::Ended(Outcome::Succeeded(release)) => keep(connection, release, now).await?,
        Event::Ended(Outcome::Removed(removed)) => remove(connection, removed, now).await?,
        _ => {}
    }
    Ok(Ok(has_messages))
}

/// Schedules work. The earlier of two times stays, and work that is taken can be taken again.
pub(super) async fn schedule(
    connection: &mut SqliteConnection,
    due: &Due,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO due (kind, key, at_ms) VALUES (?, ?, ?) ON CONFLICT (kind, key) \
         DO UPDATE SET at_ms = min(at_ms, excluded.at_ms), taken_until_ms = NULL",
    )
    .bind(due.kind.as_str())
    .bind(&due.key)
    .bind(signed(due.at_ms))
    .execute(connection)
    .await
    .or_store()?;
    Ok(())
}

async fn keep(
    connection: &mut SqliteConnection,
    release: &Release,
    now: u64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO releases \
         (id, project, app, environment, commit_id, created_ms, body, version) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(&release.id)
    .bind(&release.app.project)
    .bind(&release.app.name)
    .bind(&release.app.environment)
    .bind(&release.commit)
    .bind(signed(now))
    .bind(upcast::write(release)?)
    .bind(upcast::VERSION)
    .execute(&mut *connection)
    .await
    .or_store()?;
    for cluster in &release.clusters {
        sqlx::query(
            "INSERT OR IGNORE INTO release_clusters \
             (project, app, environment, cluster, release) VALUES (?, ?, ?, ?, ?)",
        )
        .bind(&release.app.project)
        .bind(&release.app.name)
        .bind(&release.app.environment)
        .bind(cluster)
        .bind(&release.id)
        .execute(&mut *connection)
        .await
        .or_store()?;
    }
    Ok(())
}

/// Records that the releases of an app up to a job do not serve any more. Of two removals the later one stays.
async fn remove(
    connection: &mut SqliteConnection,
    removed: &Removed,
    now: u64,
) -> Result<(), StoreError> {
    let Removed { job, app, clusters } = removed;
    for cluster in clusters {
        migrated::forget(connection, app, cluster).await?;
        sqlx::query(
            "INSERT INTO removals (project, app, environment, cluster, job, at_ms) \
             VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (project, app, environment, cluster) \
             DO UPDATE SET job = excluded.job, at_ms = excluded.at_ms WHERE excluded.job > removals.job",
        )
        .bind(&app.project)
        .bind(&app.name)
        .bind(&app.environment)
        .bind(cluster)
        .bind(job)
        .bind(signed(now))
        .execute(&mut *connection)
        .await
        .or_store()?;
    }
    Ok(())
}
