//! The only task that writes events. Events that wait together are one transaction.

use super::rows::{signed, state};
use crate::{error::OrStore, upcast};
use sqlx::{Row, SqliteConnection};
use tokio::sync::{broadcast, mpsc, oneshot};
use windlass_engine::ports::store::{Claim, StoreError};
use windlass_model::{
    clock::now_ms,
    due::{Due, due_after},
};
use windlass_model::{event::Event, job::Release, outcome::Outcome, replay::state_after};

/// Event to store, with the channel to whoever waits for it.
pub(super) struct Write {
    pub(super) claim: Claim,
    pub(super) event: Event,
    pub(super) done: oneshot::Sender<Result<(), StoreError>>,
}

/// Most events in one transaction.
const BATCH: usize = 512;

pub(super) fn start(
    // Not the pool's: closing the pool would wait for it for ever.
    mut connection: SqliteConnection,
    updates: broadcast::Sender<String>,
) -> mpsc::Sender<Write> {
    let (send, mut receive) = mpsc::channel::<Write>(BATCH);
    tokio::spawn(async move {
        let mut batch = Vec::with_capacity(BATCH);
        while receive.recv_many(&mut batch, BATCH).await > 0 {
            match commit(&mut connection, &batch).await {
                Ok(results) => {
                    for (write, result) in batch.drain(..).zip(results) {
                        if result.is_ok() {
                            let _ = updates.send(write.claim.job);
                        }
                        let _ = write.done.send(result);
                    }
                }
                Err(error) => {
                    for write in batch.drain(..) {
                        let _ = write.done.send(Err(error.clone()));
                    }
                }
            }
        }
    });
    send
}

/// Stores a batch, or nothing of it. Returns the result of each write: an event that its job refuses is no
/// error of other events.
async fn commit(
    connection: &mut SqliteConnection,
    batch: &[Write],
) -> Result<Vec<Result<(), StoreError>>, StoreError> {
    // Log lines need not be on the disk before more work is done. A killed process loses no line, since
    // the kernel has the file's content by then.
    let wait = batch.iter().any(|write| !matches!(write.event, Event::Log { .. }));
    let pragma = if wait { "PRAGMA synchronous = FULL" } else { "PRAGMA synchronous = NORMAL" };
    sqlx::query(pragma).execute(&mut *connection).await.or_store()?;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await.or_store()?;
    let written = async {
        let mut results = Vec::with_capacity(batch.len());
        for write in batch {
            let refusal = append(connection, write).await?;
            results.push(refusal.map_or(Ok(()), Err));
        }
        sqlx::query("COMMIT").execute(&mut *connection).await.or_store()?;
        Ok(results)
    };
    let written = written.await;
    if written.is_err() {
        let _ = sqlx::query("ROLLBACK").execute(&mut *connection).await;
    }
    written
}

/// Stores one event. `None` means that it was stored. An inner error means that the job refuses the event.
async fn append(
    connection: &mut SqliteConnection,
    write: &Write,
) -> Result<Option<StoreError>, StoreError> {
    let Write { claim, event, .. } = write;
    let is_log = matches!(event, Event::Log { .. });
    let now = now_ms();
    let counted = sqlx::query(
        "UPDATE jobs SET last_seq = last_seq + 1 WHERE id = ? AND ended = 0 AND fence = ? \
         RETURNING last_seq, state",
    )
    .bind(&claim.job)
    .bind(signed(claim.fence))
    .fetch_optional(&mut *connection)
    .await
    .or_store()?;
    let Some(counted) = counted else { return refusal(connection, claim).await.map(Some) };
    sqlx::query(
        "INSERT INTO events (job, seq, at_ms, is_log, event, version) VALUES (?, ?, ?, ?, ?, ?)",
    )
    .bind(&claim.job)
    .bind(counted.try_get::<i64, _>("last_seq").or_store()?)
    .bind(signed(now))
    .bind(is_log)
    .bind(upcast::write(event)?)
    .bind(upcast::VERSION)
    .execute(&mut *connection)
    .await
    .or_store()?;
    for due in due_after(&claim.job, now, event) {
        schedule(connection, &due).await?;
    }
    let before = state(&claim.job, counted.try_get("state").or_store()?)?;
    let Some((state, stage)) = state_after(before, event) else { return Ok(None) };
    sqlx::query("UPDATE jobs SET state = ?, stage = coalesce(?, stage), ended = ? WHERE id = ?")
        .bind(state.as_str())
        .bind(stage.map(|stage| stage.to_string()))
        .bind(matches!(event, Event::Ended(_)))
        .bind(&claim.job)
        .execute(&mut *connection)
        .await
        .or_store()?;
    if let Event::Ended(Outcome::Succeeded(release)) = event {
        keep(connection, release, now).await?;
    }
    Ok(None)
}

/// Returns the reason for which a job refuses events of a claim.
async fn refusal(
    connection: &mut SqliteConnection,
    claim: &Claim,
) -> Result<StoreError, StoreError> {
    let select = sqlx::query("SELECT claimed_by FROM jobs WHERE id = ? AND ended = 0");
    let row = select.bind(&claim.job).fetch_optional(connection).await.or_store()?;
    let Some(row) = row else { return Ok(StoreError::Ended(claim.job.clone())) };
    let by: Option<String> = row.try_get("claimed_by").or_store()?;
    Ok(StoreError::Fenced { job: claim.job.clone(), by: by.unwrap_or_default() })
}

/// Schedules work. The earlier of two times stays, and work that is taken can be taken again.
async fn schedule(connection: &mut SqliteConnection, due: &Due) -> Result<(), StoreError> {
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
