//! Pauses and aborts of jobs that are on their way.

use super::{
    SqliteStore, approvals,
    rows::{JOBS, record, recorded, signed, unsigned},
};
use crate::{error::OrStore, upcast};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};
use windlass_engine::ports::store::{JobRecord, StoreError};
use windlass_model::{
    clock::now_ms,
    event::Event,
    job::Stage,
    outcome::Stop,
    pause::{Interventions, Pause, Resume},
    replay,
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
    let Some(record) = found.filter(JobRecord::can_be_paused) else { return Ok(false) };
    if is_cleaning_up(&mut transaction, &record).await? {
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
    let Some(record) = found.filter(JobRecord::can_be_aborted) else { return Ok(false) };
    if is_cleaning_up(&mut transaction, &record).await? {
        return Ok(false);
    }
    let why = Stop::Aborted { by: by.to_owned(), note: note.to_owned() };
    approvals::stop(&mut transaction, job, &why).await?;
    transaction.commit().await.or_store()?;
    Ok(true)
}

/// Returns everything that people said about a job. One statement, so that all of it is of one moment: each release that holds
/// asks for it twice a minute.
pub(super) async fn interventions(
    store: &SqliteStore,
    job: &str,
) -> Result<Interventions, StoreError> {
    let select = "SELECT jobs.stop, jobs.stop_version, pauses.paused_by, pauses.note AS pause_note, \
                  pauses.at_ms AS paused_ms, pauses.resumed_by, pauses.resumed_note, approvals.* \
                  FROM jobs LEFT JOIN pauses ON pauses.job = jobs.id \
                  LEFT JOIN approvals ON approvals.job = jobs.id WHERE jobs.id = ?";
    let rows = sqlx::query(select).bind(job).fetch_all(&store.reads).await.or_store()?;
    // A row for each approval, or one without any.
    let given =
        |row: &&SqliteRow| row.try_get::<Option<&str>, _>("gate").is_ok_and(|it| it.is_some());
    let given = rows.iter().filter(given).map(|row| approvals::approval(job, row));
    let approvals = given.collect::<Result<_, _>>()?;
    let mut said = Interventions { approvals, ..Interventions::default() };
    let Some(row) = rows.first() else { return Ok(said) };
    let text = |column: &'static str| row.try_get::<Option<String>, _>(column).or_store();
    let number = |column: &'static str| row.try_get::<Option<i64>, _>(column).or_store();
    if let Some(json) = text("stop")? {
        let version = number("stop_version")?.unwrap_or_default();
        said.stop = Some(upcast::read(&format!("job {job}"), version, &json)?);
    }
    if let Some(by) = text("resumed_by")? {
        said.resumed = Some(Resume { by, note: text("resumed_note")?.unwrap_or_default() });
    } else if let Some(by) = text("paused_by")? {
        let at_ms = number("paused_ms")?.map(unsigned).unwrap_or_default();
        said.pause = Some(Pause { by, note: text("pause_note")?.unwrap_or_default(), at_ms });
    }
    Ok(said)
}

/// Returns whether the release of a job takes its last step, as the transaction sees it.
async fn is_cleaning_up(
    connection: &mut SqliteConnection,
    record: &JobRecord,
) -> Result<bool, StoreError> {
    // Hooks that tell others of the outcome come behind the last step.
    if record.stage != Some(Stage::Release) {
        return Ok(false);
    }
    let job = &record.job.id;
    // As `upcast::write` writes the events.
    let started = last(connection, job, "{\"taking\":%").await?;
    let planned = match started {
        Some(_) => last(connection, job, "{\"planned\":%").await?,
        None => None,
    };
    Ok(replay::is_cleaning_up(planned.as_ref(), started.as_ref()))
}

/// Returns the last event of a job whose JSON is like this. `None` means that there is none.
async fn last(
    connection: &mut SqliteConnection,
    job: &str,
    like: &str,
) -> Result<Option<Event>, StoreError> {
    let select = "SELECT seq, at_ms, event, version FROM events \
                  WHERE job = ? AND event LIKE ? ORDER BY seq DESC LIMIT 1";
    let row =
        sqlx::query(select).bind(job).bind(like).fetch_optional(connection).await.or_store()?;
    row.map(|row| Ok(recorded(job, &row)?.event)).transpose()
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
