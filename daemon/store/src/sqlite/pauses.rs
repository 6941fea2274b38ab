//! Pauses and aborts of jobs that are on their way.

use super::{
    SqliteStore, approvals,
    rows::{JOBS, record, signed, unsigned},
};
use crate::error::OrStore;
use sqlx::{Row, SqliteConnection};
use windlass_engine::ports::store::{JobRecord, StoreError};
use windlass_model::{
    clock::now_ms,
    outcome::Stop,
    pause::{Interventions, Pause, Resume},
};

/// Pauses a job, in a transaction of its own: an end comes before it, or after it. Whoever came first stays.
pub(super) async fn pause(
    store: &SqliteStore,
    job: &str,
    by: &str,
    note: &str,
) -> Result<bool, StoreError> {
    let mut transaction = store.pool.begin_with("BEGIN IMMEDIATE").await.or_store()?;
    let found = found(&mut transaction, job).await?;
    if !found.is_some_and(|record| record.can_be_paused()) {
        return Ok(false);
    }
    sqlx::query(
        "INSERT INTO pauses (job, paused_by, note, at_ms) VALUES (?, ?, ?, ?) \
         ON CONFLICT (job) DO UPDATE SET paused_by = excluded.paused_by, note = excluded.note, \
         at_ms = excluded.at_ms, resumed_by = NULL, resumed_note = '' \
         WHERE pauses.resumed_by IS NOT NULL",
    )
    .bind(job)
    .bind(by)
    .bind(note)
    .bind(signed(now_ms()))
    .execute(&mut *transaction)
    .await
    .or_store()?;
    transaction.commit().await.or_store()?;
    Ok(true)
}

/// Ends the pause of a job, in a transaction of its own. Returns whether the job was paused.
pub(super) async fn resume(
    store: &SqliteStore,
    job: &str,
    by: &str,
    note: &str,
) -> Result<bool, StoreError> {
    let mut transaction = store.pool.begin_with("BEGIN IMMEDIATE").await.or_store()?;
    let found = found(&mut transaction, job).await?;
    if found.is_none_or(|record| record.paused.is_none()) {
        return Ok(false);
    }
    sqlx::query("UPDATE pauses SET resumed_by = ?, resumed_note = ? WHERE job = ?")
        .bind(by)
        .bind(note)
        .bind(job)
        .execute(&mut *transaction)
        .await
        .or_store()?;
    transaction.commit().await.or_store()?;
    Ok(true)
}

/// Has a job stop whose release is under way, in a transaction of its own: an end comes before it, or after it.
pub(super) async fn abort(
    store: &SqliteStore,
    job: &str,
    by: &str,
    note: &str,
) -> Result<bool, StoreError> {
    let mut transaction = store.pool.begin_with("BEGIN IMMEDIATE").await.or_store()?;
    let found = found(&mut transaction, job).await?;
    if !found.is_some_and(|record| record.can_be_aborted()) {
        return Ok(false);
    }
    let why = Stop::Aborted { by: by.to_owned(), note: note.to_owned() };
    approvals::stop(&mut transaction, job, &why).await?;
    transaction.commit().await.or_store()?;
    Ok(true)
}

/// Returns everything that people said about a job.
pub(super) async fn interventions(
    store: &SqliteStore,
    job: &str,
) -> Result<Interventions, StoreError> {
    // One transaction: all of it is of one moment.
    let mut transaction = store.reads.begin().await.or_store()?;
    let approvals = approvals::of(&mut transaction, job).await?;
    let select =
        "SELECT paused_by, note, at_ms, resumed_by, resumed_note FROM pauses WHERE job = ?";
    let row = sqlx::query(select).bind(job).fetch_optional(&mut *transaction).await.or_store()?;
    let Some(row) = row else { return Ok(Interventions { approvals, ..Interventions::default() }) };
    let resumed_by: Option<String> = row.try_get("resumed_by").or_store()?;
    if let Some(by) = resumed_by {
        let resumed = Some(Resume { by, note: row.try_get("resumed_note").or_store()? });
        return Ok(Interventions { approvals, pause: None, resumed });
    }
    let pause = Some(Pause {
        by: row.try_get("paused_by").or_store()?,
        note: row.try_get("note").or_store()?,
        at_ms: unsigned(row.try_get("at_ms").or_store()?),
    });
    Ok(Interventions { approvals, pause, resumed: None })
}

/// Returns a job as the transaction sees it. `None` means that there is no such job.
async fn found(
    connection: &mut SqliteConnection,
    job: &str,
) -> Result<Option<JobRecord>, StoreError> {
    let select = sqlx::AssertSqlSafe(format!("{JOBS} WHERE id = ?"));
    let row = sqlx::query(select).bind(job).fetch_optional(connection).await.or_store()?;
    row.as_ref().map(record).transpose()
}
