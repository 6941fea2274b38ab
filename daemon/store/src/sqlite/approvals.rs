//! Approvals of jobs that wait at a gate.

use super::{
    SqliteStore,
    rows::{recorded, signed, unsigned},
};
use crate::{error::OrStore, upcast};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};
use windlass_engine::ports::store::{Approve, Lapse, StoreError};
use windlass_model::{
    approval::{Approval, Hold, hold},
    clock::now_ms,
    job::Gate,
    outcome::Stop,
};

/// Stores an approval of what a job waits for, in a transaction of its own: the wait that it looks at is the one that
/// it approves.
pub(super) async fn approve(
    store: &SqliteStore,
    job: &str,
    digest: &str,
    by: &str,
    note: &str,
) -> Result<Approve, StoreError> {
    let mut transaction = store.pool.begin_with("BEGIN IMMEDIATE").await.or_store()?;
    let hold = match waits(&mut transaction, job).await? {
        Some(hold) if hold.digest != digest => return Ok(Approve::Other(hold)),
        Some(hold) => hold,
        None => {
            let known = "SELECT EXISTS (SELECT 1 FROM approvals WHERE job = ? AND digest = ?)";
            let known: bool = sqlx::query_scalar(known)
                .bind(job)
                .bind(digest)
                .fetch_one(&mut *transaction)
                .await
                .or_store()?;
            return Ok(if known { Approve::Stored } else { Approve::NotHeld });
        }
    };
    if is_approved(&mut transaction, job, &hold).await? {
        return Ok(Approve::Stored);
    }
    let now_ms = now_ms();
    if hold.is_over(now_ms) {
        return Ok(Approve::Over { until_ms: hold.until_ms });
    }
    sqlx::query(
        "INSERT INTO approvals (job, gate, digest, approved_by, note, at_ms) \
         VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (job, gate, digest) DO NOTHING",
    )
    .bind(job)
    .bind(hold.gate.as_str())
    .bind(&hold.digest)
    .bind(by)
    .bind(note)
    .bind(signed(now_ms))
    .execute(&mut *transaction)
    .await
    .or_store()?;
    transaction.commit().await.or_store()?;
    Ok(Approve::Stored)
}

/// Ends the wait of a job whose time is over, in a transaction of its own: an approval comes before it, or finds the stop.
pub(super) async fn lapse(
    store: &SqliteStore,
    job: &str,
    now_ms: u64,
) -> Result<Lapse, StoreError> {
    let mut transaction = store.pool.begin_with("BEGIN IMMEDIATE").await.or_store()?;
    let Some(held) = waits(&mut transaction, job).await? else { return Ok(Lapse::Over) };
    if is_approved(&mut transaction, job, &held).await? {
        return Ok(Lapse::Over);
    }
    if !held.is_over(now_ms) {
        return Ok(Lapse::Later(held.until_ms));
    }
    let seconds = held.length(began(&mut transaction, job, &held).await?).as_secs();
    stop(&mut transaction, job, &Stop::NotApproved { seconds }).await?;
    transaction.commit().await.or_store()?;
    Ok(Lapse::Stopped)
}

/// Rejects what a job waits for, in a transaction of its own: an approval comes before it, or finds the stop.
pub(super) async fn reject(
    store: &SqliteStore,
    job: &str,
    by: &str,
    note: &str,
) -> Result<bool, StoreError> {
    let mut transaction = store.pool.begin_with("BEGIN IMMEDIATE").await.or_store()?;
    let Some(hold) = waits(&mut transaction, job).await? else { return Ok(false) };
    if is_approved(&mut transaction, job, &hold).await? {
        return Ok(false);
    }
    let why = Stop::Rejected { by: by.to_owned(), note: note.to_owned() };
    stop(&mut transaction, job, &why).await?;
    transaction.commit().await.or_store()?;
    Ok(true)
}

/// Returns the time at which a wait began. A restart records the same wait again. `None` means that the journal does not
/// have it.
async fn began(
    connection: &mut SqliteConnection,
    job: &str,
    held: &Hold,
) -> Result<Option<u64>, StoreError> {
    // As `upcast::write` writes the event.
    let select = "SELECT seq, at_ms, event, version FROM events \
                  WHERE job = ? AND event LIKE '{\"held\":%' ORDER BY seq";
    let rows = sqlx::query(select).bind(job).fetch_all(connection).await.or_store()?;
    for row in &rows {
        let one = recorded(job, row)?;
        if hold(&one.event).as_ref() == Some(held) {
            return Ok(Some(one.at_ms));
        }
    }
    Ok(None)
}

/// Records that a job is to stop that has not ended. The first reason stays. `false` means that nothing was recorded.
pub(super) async fn stop(
    connection: &mut SqliteConnection,
    job: &str,
    why: &Stop,
) -> Result<bool, StoreError> {
    let stopped = sqlx::query(
        "UPDATE jobs SET stop = ?, stop_version = ? WHERE id = ? AND ended = 0 AND stop IS NULL",
    )
    .bind(upcast::write(why)?)
    .bind(upcast::VERSION)
    .bind(job)
    .execute(connection)
    .await
    .or_store()?;
    Ok(stopped.rows_affected() > 0)
}

/// Returns whether somebody approved in time what a job waits for. Its next run has not recorded it yet.
async fn is_approved(
    connection: &mut SqliteConnection,
    job: &str,
    hold: &Hold,
) -> Result<bool, StoreError> {
    let all = of(connection, job).await?;
    Ok(all.iter().any(|one| hold.is_approved_by(one)))
}

/// Returns the approvals that people gave to a job.
pub(super) async fn of(
    connection: &mut SqliteConnection,
    job: &str,
) -> Result<Vec<Approval>, StoreError> {
    let select = "SELECT gate, digest, approved_by, note, at_ms FROM approvals WHERE job = ?";
    let rows = sqlx::query(select).bind(job).fetch_all(connection).await.or_store()?;
    rows.iter().map(|row| approval(job, row)).collect()
}

/// Returns the wait of a job that nobody asked to stop. `None` means that it waits for no approval.
async fn waits(connection: &mut SqliteConnection, job: &str) -> Result<Option<Hold>, StoreError> {
    let select = "SELECT held, held_version FROM jobs \
                  WHERE id = ? AND ended = 0 AND stop IS NULL AND held IS NOT NULL";
    let row = sqlx::query(select).bind(job).fetch_optional(connection).await.or_store()?;
    let Some(row) = row else { return Ok(None) };
    let version: i64 = row.try_get("held_version").or_store()?;
    let json: &str = row.try_get("held").or_store()?;
    upcast::read(&format!("the wait of job {job}"), version, json).map(Some)
}

pub(super) fn approval(job: &str, row: &SqliteRow) -> Result<Approval, StoreError> {
    let word: &str = row.try_get("gate").or_store()?;
    let gate = Gate::parse(word).ok_or_else(|| StoreError::Unreadable {
        what: format!("an approval of job {job}"),
        why: format!("`{word}` is not a gate of a job"),
    })?;
    Ok(Approval {
        gate,
        digest: row.try_get("digest").or_store()?,
        by: row.try_get("approved_by").or_store()?,
        note: row.try_get("note").or_store()?,
        at_ms: unsigned(row.try_get("at_ms").or_store()?),
    })
}
