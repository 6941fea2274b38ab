//! Verified webhooks: those that wait together are one transaction. Each of its own would wait for the disk once more,
//! and a flood of them would keep events from it.

use super::request::{Fact, Receipt};
use crate::{
    error::{OrStore, is_of_all},
    sqlite::{delivered, disk::Disk, rows::signed},
    upcast,
};
use sqlx::{Row, SqliteConnection};
use std::slice;
use windlass_engine::ports::store::{Arrival, DELIVERIES_KEPT, StoreError};
use windlass_model::delivery::Delivery;

/// Stores what webhooks reported, and answers each. One that cannot be stored is no error of the others. What is left
/// of a full disk is for running jobs.
pub(super) async fn store(connection: &mut SqliteConnection, disk: &Disk, batch: Vec<Receipt>) {
    if batch.is_empty() {
        return;
    }
    let stored = match disk.accepts() {
        Ok(()) => commit(connection, &batch).await,
        Err(full) => Err(full),
    };
    let error = match stored {
        Ok(answers) => {
            for (receipt, answer) in batch.into_iter().zip(answers) {
                let _ = receipt.done.send(answer);
            }
            return;
        }
        Err(error) => error,
    };
    for receipt in batch {
        let answer = if is_of_all(&error) {
            Err(error.clone())
        } else {
            // One of them made the transaction fail: each has one of its own now.
            commit(connection, slice::from_ref(&receipt)).await.and_then(only)
        };
        let _ = receipt.done.send(answer);
    }
}

/// Returns the answer to the only receipt of a batch.
fn only(answers: Vec<Result<Arrival, StoreError>>) -> Result<Arrival, StoreError> {
    let answer = answers.into_iter().next();
    answer.unwrap_or_else(|| Err(StoreError::Other("the delivery was not stored".into())))
}

/// Stores a batch, or nothing of it. Returns the answer to each: a first delivery that cannot be read is no error of
/// others.
async fn commit(
    connection: &mut SqliteConnection,
    batch: &[Receipt],
) -> Result<Vec<Result<Arrival, StoreError>>, StoreError> {
    for begin in ["PRAGMA synchronous = FULL", "BEGIN IMMEDIATE"] {
        sqlx::query(begin).execute(&mut *connection).await.or_store()?;
    }
    let written = async {
        let mut answers = Vec::with_capacity(batch.len());
        for receipt in batch {
            let answer = match &receipt.fact {
                Fact::Delivered(delivery) => add(connection, delivery).await?,
                Fact::Seen { hook, at_ms, repository_id } => {
                    see(connection, hook, *at_ms, repository_id).await?;
                    Ok(Arrival::New)
                }
            };
            answers.push(answer);
        }
        sqlx::query("COMMIT").execute(&mut *connection).await.or_store()?;
        Ok(answers)
    };
    let written = written.await;
    if written.is_err() {
        let _ = sqlx::query("ROLLBACK").execute(&mut *connection).await;
    }
    written
}

/// Stores a delivery unless it is known. An inner error means that it is known and cannot be read.
async fn add(
    connection: &mut SqliteConnection,
    delivery: &Delivery,
) -> Result<Result<Arrival, StoreError>, StoreError> {
    let Delivery { id, hook, project, repository, report, body_sha256, at_ms, verdicts } = delivery;
    if !report.forge_id.is_empty() {
        let known = sqlx::query(
            "SELECT * FROM deliveries WHERE hook = ? AND project = ? AND repository = ? \
             AND forge_id = ? AND forge_id <> ''",
        )
        .bind(hook)
        .bind(project)
        .bind(repository)
        .bind(&report.forge_id)
        .fetch_optional(&mut *connection)
        .await
        .or_store()?;
        if let Some(row) = known {
            return Ok(delivered::delivery(&row).map(|known| Arrival::Known(Box::new(known))));
        }
    }
    let row = sqlx::query(
        "INSERT INTO deliveries (id, hook, project, repository, number, forge_id, body_sha256, \
         at_ms, report, version, verdicts, verdicts_version, decided) \
         VALUES (?1, ?2, ?3, ?4, coalesce((SELECT max(number) FROM deliveries \
         WHERE hook = ?2 AND project = ?3 AND repository = ?4), 0) + 1, \
         ?5, ?6, ?7, ?8, ?9, ?10, ?9, ?11) RETURNING number",
    )
    .bind(id)
    .bind(hook)
    .bind(project)
    .bind(repository)
    .bind(&report.forge_id)
    .bind(body_sha256)
    .bind(signed(*at_ms))
    .bind(upcast::write(report)?)
    .bind(upcast::VERSION)
    .bind(upcast::write(verdicts)?)
    .bind(!verdicts.is_empty())
    .fetch_one(&mut *connection)
    .await
    .or_store()?;
    let number: i64 = row.try_get("number").or_store()?;
    let too_old = number.saturating_sub(signed(DELIVERIES_KEPT));
    if too_old > 0 {
        trim(connection, delivery, too_old).await?;
    }
    Ok(Ok(Arrival::New))
}

/// Deletes the deliveries of a hook up to a number.
async fn trim(
    connection: &mut SqliteConnection,
    last: &Delivery,
    number: i64,
) -> Result<(), StoreError> {
    let deleted = sqlx::query(
        "DELETE FROM deliveries WHERE hook = ? AND project = ? AND repository = ? \
         AND number <= ? RETURNING id, decided",
    )
    .bind(&last.hook)
    .bind(&last.project)
    .bind(&last.repository)
    .bind(number)
    .fetch_all(connection)
    .await
    .or_store()?;
    for row in deleted {
        if !row.try_get::<bool, _>("decided").or_store()? {
            let id: &str = row.try_get("id").or_store()?;
            tracing::warn!(
                delivery = id,
                project = last.project,
                repository = last.repository,
                "a flood of newer deliveries pushed out one that was not decided"
            );
        }
    }
    Ok(())
}

/// Records that a hook was used. The repository's id that came first stays.
async fn see(
    connection: &mut SqliteConnection,
    hook: &str,
    at_ms: u64,
    repository_id: &str,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE hooks SET seen_ms = max(coalesce(seen_ms, 0), ?2), \
         repository_id = coalesce(repository_id, nullif(?3, '')) WHERE id = ?1",
    )
    .bind(hook)
    .bind(signed(at_ms))
    .bind(repository_id)
    .execute(connection)
    .await
    .or_store()?;
    Ok(())
}
