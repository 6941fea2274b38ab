//! Messages: how the acceptance and the events of a job add them, in the transaction of each, and how a row is read.

use super::rows::{signed, unsigned};
use crate::{error::OrStore, receiver::name, upcast};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};
use uuid::Uuid;
use windlass_engine::ports::store::StoreError;
use windlass_model::outbox::{Message, MessageState, Moment, Receiver};

/// Column `receivers` of a job of which nobody hears.
const NOBODY: &str = "[]";

/// Adds a message, unless its receiver has what that moment of the job is about already. A newer job owns the partition: then the
/// message is void at once. Somebody may still be sending one that was dropped: then the message waits for the end of
/// that.
const ADD: &str = "INSERT INTO outbox (id, project, receiver, version, receiver_name, partition, \
    moment, job, seq, state, created_ms, next_ms, mark) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, \
    iif(EXISTS (SELECT 1 FROM outbox WHERE partition = ?6 AND job > ?8), 'void', 'waiting'), ?10, \
    max(?10, coalesce((SELECT max(taken_until_ms) FROM outbox \
    WHERE partition = ?6 AND state = 'void'), 0)), ?11) \
    ON CONFLICT (job, receiver, moment, mark) DO NOTHING";

/// Makes those void that waited in partition `?1` before message `?2` of job `?3`. One that is taken at `?4` stays: it
/// may be on its way.
const SUPERSEDE: &str = "UPDATE outbox SET state = 'void' \
    WHERE partition = ?1 AND number < ?2 AND job <= ?3 AND state = 'waiting' \
    AND coalesce(taken_until_ms, 0) <= ?4";

/// Receivers of messages about a job.
#[derive(Default)]
pub(super) struct Audience {
    pub(super) project: String,
    pub(super) receivers: Vec<Receiver>,
}

/// Cause of messages.
pub(super) struct Cause<'a> {
    pub(super) job: &'a str,
    pub(super) moment: Moment,
    /// Name of what the moment is about. Empty means that a job comes to it once.
    pub(super) mark: String,
    /// Number of the event. 0 means the job's acceptance.
    pub(super) seq: u64,
    pub(super) now_ms: u64,
}

/// Reads who hears of a job from its columns `project`, `receivers` and `version`. Nobody hears of a job whose
/// receivers cannot be read: its journal goes on.
pub(super) fn audience(row: &SqliteRow, job: &str) -> Audience {
    try_audience(row, job).unwrap_or_else(|error| {
        tracing::error!(job, %error, "nobody hears of a job since its receivers cannot be read");
        Audience::default()
    })
}

fn try_audience(row: &SqliteRow, job: &str) -> Result<Audience, StoreError> {
    let json: &str = row.try_get("receivers").or_store()?;
    if json == NOBODY {
        return Ok(Audience::default());
    }
    let version: i64 = row.try_get("version").or_store()?;
    let receivers = upcast::read(&format!("the list of receivers of job {job}"), version, json)?;
    Ok(Audience { project: row.try_get("project").or_store()?, receivers })
}

/// Adds a message to each receiver that hears of the moment. Returns whether it added any.
pub(super) async fn add(
    connection: &mut SqliteConnection,
    audience: &Audience,
    cause: &Cause<'_>,
) -> Result<bool, StoreError> {
    let mut has_added = false;
    for receiver in audience.receivers.iter().filter(|one| one.hears(cause.moment)) {
        let partition = receiver.partition(&audience.project);
        let added = sqlx::query(ADD)
            .bind(Uuid::now_v7().to_string())
            .bind(&audience.project)
            .bind(upcast::write(receiver)?)
            .bind(upcast::VERSION)
            .bind(name(receiver))
            .bind(partition.as_deref())
            .bind(cause.moment.as_str())
            .bind(cause.job)
            .bind(signed(cause.seq))
            .bind(signed(cause.now_ms))
            .bind(&cause.mark)
            .execute(&mut *connection)
            .await
            .or_store()?;
        if added.rows_affected() == 0 {
            continue;
        }
        has_added = true;
        if let Some(partition) = &partition {
            sqlx::query(SUPERSEDE)
                .bind(partition)
                .bind(added.last_insert_rowid())
                .bind(cause.job)
                .bind(signed(cause.now_ms))
                .execute(&mut *connection)
                .await
                .or_store()?;
        }
    }
    Ok(has_added)
}

/// Reads a row of `outbox`.
pub(super) fn message(row: &SqliteRow) -> Result<Message, StoreError> {
    let id: String = row.try_get("id").or_store()?;
    let what = format!("message {id}");
    let number = |column: &str| row.try_get::<i64, _>(column).or_store();
    let unknown = |column: &str, word: &str| StoreError::Unreadable {
        what: what.clone(),
        why: format!("`{word}` is not a {column} of a message"),
    };
    let word: &str = row.try_get("moment").or_store()?;
    let moment = Moment::parse(word).ok_or_else(|| unknown("moment", word))?;
    let word: &str = row.try_get("state").or_store()?;
    let state = MessageState::parse(word).ok_or_else(|| unknown("state", word))?;
    let receiver: &str = row.try_get("receiver").or_store()?;
    Ok(Message {
        receiver: upcast::read(&what, number("version")?, receiver)?,
        project: row.try_get("project").or_store()?,
        moment,
        job: row.try_get("job").or_store()?,
        seq: unsigned(number("seq")?),
        state,
        created_ms: unsigned(number("created_ms")?),
        attempts: row.try_get("attempts").or_store()?,
        next_ms: unsigned(number("next_ms")?),
        code: row.try_get("code").or_store()?,
        error: row.try_get("error").or_store()?,
        id,
    })
}
