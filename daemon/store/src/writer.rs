//! The one task that writes events: what has come together is one transaction.

use crate::{
    StoreError,
    due::{self, Work},
    store::{from_json, now_ms, to_json},
};
use sqlx::{Row, SqliteConnection};
use tokio::sync::{broadcast, mpsc, oneshot};
use windlass_model::{
    event::Event,
    job::Release,
    outcome::Outcome,
    replay::{State, state_after},
};

/// One event, and who waits for it.
pub(crate) struct Write {
    pub(crate) job: String,
    pub(crate) event: Event,
    pub(crate) done: oneshot::Sender<Result<(), StoreError>>,
}

/// So many are taken into one transaction.
const BATCH: usize = 512;

pub(crate) fn start(
    // Not the pool's: closing the pool would wait for it for ever.
    mut connection: SqliteConnection,
    updates: broadcast::Sender<String>,
) -> mpsc::Sender<Write> {
    let (send, mut receive) = mpsc::channel::<Write>(BATCH);
    tokio::spawn(async move {
        let mut batch = Vec::with_capacity(BATCH);
        while receive.recv_many(&mut batch, BATCH).await > 0 {
            match commit(&mut connection, &batch).await {
                Ok(taken) => {
                    for (write, taken) in batch.drain(..).zip(taken) {
                        let _ = write.done.send(if taken { Ok(()) } else { Err(over(&write.job)) });
                        if taken {
                            let _ = updates.send(write.job);
                        }
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

fn over(job: &str) -> StoreError {
    StoreError::Other(format!("job {job} has ended or is unknown"))
}

/// Says of each whether it was taken: a job that has ended takes nothing, and is no error of others.
async fn commit(
    connection: &mut SqliteConnection,
    batch: &[Write],
) -> Result<Vec<bool>, StoreError> {
    // Lines of logs need not be on the disk before more work is done; a killed process loses
    // neither, since the file is the kernel's by then.
    let wait = batch.iter().any(|write| !matches!(write.event, Event::Log { .. }));
    let pragma = if wait { "PRAGMA synchronous = FULL" } else { "PRAGMA synchronous = NORMAL" };
    sqlx::query(pragma).execute(&mut *connection).await?;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await?;
    let written = async {
        let mut taken = Vec::with_capacity(batch.len());
        for write in batch {
            taken.push(append(connection, write).await?);
        }
        sqlx::query("COMMIT").execute(&mut *connection).await?;
        Ok(taken)
    };
    let written = written.await;
    if written.is_err() {
        let _ = sqlx::query("ROLLBACK").execute(&mut *connection).await;
    }
    written
}

async fn append(connection: &mut SqliteConnection, write: &Write) -> Result<bool, StoreError> {
    let is_log = matches!(write.event, Event::Log { .. });
    let now = now_ms();
    let counted = sqlx::query(
        "UPDATE jobs SET last_seq = last_seq + 1 WHERE id = ? AND ended = 0 RETURNING state",
    );
    let counted = counted.bind(&write.job).fetch_optional(&mut *connection).await?;
    let Some(counted) = counted else { return Ok(false) };
    sqlx::query(
        "INSERT INTO events (job, seq, at_ms, is_log, event) \
         SELECT id, last_seq, ?, ?, ? FROM jobs WHERE id = ?",
    )
    .bind(now)
    .bind(is_log)
    .bind(to_json(&write.event)?)
    .bind(&write.job)
    .execute(&mut *connection)
    .await?;
    if let Event::PullSecret { release, at_ms, .. } = &write.event {
        let at_ms = i64::try_from(*at_ms).unwrap_or(i64::MAX);
        due::renew_by(connection, at_ms, &release.app).await?;
    }
    if is_log {
        return Ok(true);
    }
    let before = from_json(&format!("the state of job {}", write.job), counted.try_get("state")?)?;
    let Some(state) = state_after(before, &write.event) else { return Ok(true) };
    let stage = match &state {
        State::Running(stage) => Some(to_json(stage)?),
        _ => None,
    };
    let ended = matches!(write.event, Event::Ended(_));
    sqlx::query("UPDATE jobs SET state = ?, stage = coalesce(?, stage), ended = ? WHERE id = ?")
        .bind(to_json(&state)?)
        .bind(stage)
        .bind(ended)
        .bind(&write.job)
        .execute(&mut *connection)
        .await?;
    if let Event::Ended(Outcome::Succeeded(release)) = &write.event {
        keep(connection, release, now).await?;
    }
    if ended {
        let job = write.job.clone();
        due::add(connection, now + due::LOGS_KEPT_MS, &Work::ForgetLogs { job: job.clone() })
            .await?;
        due::add(connection, now + due::JOBS_KEPT_MS, &Work::ForgetJob { job }).await?;
    }
    Ok(true)
}

async fn keep(
    connection: &mut SqliteConnection,
    release: &Release,
    now: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO releases (id, project, app, environment, commit_id, created_ms, body) \
         VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(&release.id)
    .bind(&release.app.project)
    .bind(&release.app.name)
    .bind(&release.app.environment)
    .bind(&release.commit)
    .bind(now)
    .bind(to_json(release)?)
    .execute(connection)
    .await?;
    Ok(())
}
