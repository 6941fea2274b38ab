//! Log lines of one claim, stored by one statement: a build prints a hundred thousand, and a statement for each
//! would store some six thousand a second.

use super::request::Write;
use crate::{error::OrStore, sqlite::rows::signed, upcast};
use serde::Serialize;
use sqlx::{Row, SqliteConnection};
use windlass_engine::{
    logs::Logged,
    ports::store::{Claim, StoreError},
};
use windlass_model::{clock::now_ms, event::Event};

/// Row of a line: stage, bytes, event.
#[derive(Serialize)]
struct Line(String, i64, String);

/// Stores lines of one claim, in their order. `None` means that they were stored. An inner error means that the job
/// refuses them.
pub(super) async fn append(
    connection: &mut SqliteConnection,
    lines: &[&Write],
) -> Result<Option<StoreError>, StoreError> {
    let Some(first) = lines.first() else { return Ok(None) };
    let claim = &first.claim;
    let mut rows = Vec::with_capacity(lines.len());
    for write in lines {
        let Event::Log { stage, source, line } = &write.event else { continue };
        let bytes = signed(Logged::of(source, line).bytes);
        rows.push(Line(stage.to_string(), bytes, upcast::write(&write.event)?));
    }
    let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    let counted = sqlx::query(
        "UPDATE jobs SET last_seq = last_seq + ? WHERE id = ? AND ended = 0 AND fence = ? \
         RETURNING last_seq",
    )
    .bind(count)
    .bind(&claim.job)
    .bind(signed(claim.fence))
    .fetch_optional(&mut *connection)
    .await
    .or_store()?;
    let Some(counted) = counted else { return refusal(connection, claim).await.map(Some) };
    let last: i64 = counted.try_get("last_seq").or_store()?;
    // One parameter for all rows: the statement is compiled once, however many there are.
    sqlx::query(
        "INSERT INTO logs (job, seq, at_ms, stage, bytes, event, version) \
         SELECT ?1, ?2 + key, ?3, value ->> 0, value ->> 1, value ->> 2, ?4 FROM json_each(?5)",
    )
    .bind(&claim.job)
    .bind(last - count + 1)
    .bind(signed(now_ms()))
    .bind(upcast::VERSION)
    .bind(upcast::write(&rows)?)
    .execute(&mut *connection)
    .await
    .or_store()?;
    Ok(None)
}

/// Returns the reason for which a job refuses events of a claim.
pub(super) async fn refusal(
    connection: &mut SqliteConnection,
    claim: &Claim,
) -> Result<StoreError, StoreError> {
    let select = sqlx::query("SELECT claimed_by FROM jobs WHERE id = ? AND ended = 0");
    let row = select.bind(&claim.job).fetch_optional(connection).await.or_store()?;
    let Some(row) = row else { return Ok(StoreError::Ended(claim.job.clone())) };
    let by: Option<String> = row.try_get("claimed_by").or_store()?;
    Ok(StoreError::Fenced { job: claim.job.clone(), by: by.unwrap_or_default() })
}
