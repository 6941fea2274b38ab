//! The outbox: messages that are taken, sent by others, and answered.

use super::{
    SqliteStore,
    messages::message,
    rows::{signed, unsigned},
    slices::Rows,
};
use crate::{error::OrStore, receiver::name, upcast};
use async_trait::async_trait;
use sqlx::{Row, sqlite::SqliteRow};
use tokio::sync::broadcast;
use uuid::Uuid;
use windlass_engine::ports::store::{
    Attempt, LONGEST_TAKEN_MS, LONGEST_WAIT_MS, MessageCount, Notice, Outbox, OutboxFilter,
    StoreError,
};
use windlass_model::outbox::{Message, MessageState};

/// Condition on a row of `outbox`: a newer message is in its partition. That of a newer job is newer, whenever it was
/// added.
const HAS_NEWER: &str = "EXISTS (SELECT 1 FROM outbox AS newer \
    WHERE newer.partition = outbox.partition \
    AND (newer.job, newer.number) > (outbox.job, outbox.number))";

/// Condition on a row of `outbox`: the time for which it waits was set by another clock than the one that shows `?1`. No
/// wait ends after `?2`, and none for a taken message after `?3`: one that was replayed is older than its wait.
const IS_OFF: &str = "(next_ms > ?2 OR attempts = 0 AND \
    (next_ms > ?3 OR created_ms > ?1 AND next_ms > ?1))";

#[async_trait]
impl Outbox for SqliteStore {
    async fn add_notice(&self, notice: &Notice) -> Result<bool, StoreError> {
        let Notice { project, receiver, cause, now_ms } = notice;
        // One statement: two that add the same are one after the other.
        let added = sqlx::query(
            "INSERT INTO outbox (id, project, receiver, version, receiver_name, moment, job, seq, \
             state, created_ms, next_ms) \
             SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'waiting', ?9, ?9 \
             WHERE NOT EXISTS (SELECT 1 FROM outbox WHERE project = ?2 AND receiver = ?3)",
        )
        .bind(Uuid::now_v7().to_string())
        .bind(project)
        .bind(upcast::write(receiver)?)
        .bind(upcast::VERSION)
        .bind(name(receiver))
        .bind(cause.moment.as_str())
        .bind(&cause.job)
        .bind(signed(cause.seq))
        .bind(signed(*now_ms))
        .execute(&self.pool)
        .await
        .or_store()?;
        let is_added = added.rows_affected() > 0;
        if is_added {
            let _ = self.messages.send(());
        }
        Ok(is_added)
    }

    async fn take_messages(
        &self,
        now_ms: u64,
        until_ms: u64,
        limit: u32,
    ) -> Result<Vec<Message>, StoreError> {
        let rows = sqlx::query(
            "UPDATE outbox SET taken_until_ms = ?2 WHERE number IN (\
             SELECT number FROM outbox AS head WHERE head.state = 'waiting' \
             AND head.ready_ms <= ?1 AND NOT EXISTS (SELECT 1 FROM outbox AS other \
             WHERE other.partition = head.partition AND other.state = 'waiting' \
             AND other.number < head.number) \
             ORDER BY head.ready_ms, head.number LIMIT ?3) RETURNING *",
        )
        .bind(signed(now_ms))
        .bind(signed(until_ms))
        .bind(limit)
        .fetch_all(&self.pool)
        .await
        .or_store()?;
        // One that cannot be read stays taken, and comes again when that ends.
        let mut taken = readable(&rows);
        taken.sort_by(|one, other| (one.next_ms, &one.id).cmp(&(other.next_ms, &other.id)));
        Ok(taken)
    }

    async fn put_off(&self, id: &str, until_ms: u64) -> Result<(), StoreError> {
        let put_off = "UPDATE outbox SET taken_until_ms = ?2 WHERE id = ?1 AND state = 'waiting'";
        sqlx::query(put_off)
            .bind(id)
            .bind(signed(until_ms))
            .execute(&self.pool)
            .await
            .or_store()?;
        Ok(())
    }

    async fn attempted(&self, id: &str, attempt: &Attempt) -> Result<(), StoreError> {
        let record = sqlx::AssertSqlSafe(format!(
            "UPDATE outbox SET attempts = attempts + 1, taken_until_ms = NULL, \
             state = iif(?2 = 'waiting' AND {HAS_NEWER}, 'void', ?2), \
             next_ms = iif(?2 = 'waiting', ?3, next_ms), code = ?4, error = ?5 \
             WHERE id = ?1 AND state = 'waiting'"
        ));
        let recorded = sqlx::query(record)
            .bind(id)
            .bind(attempt.state.as_str())
            .bind(signed(attempt.next_ms))
            .bind(attempt.code)
            .bind(&attempt.error)
            .execute(&self.pool)
            .await
            .or_store()?;
        if recorded.rows_affected() == 0 {
            // It was dropped meanwhile, and nobody is sending it any more.
            let end = "UPDATE outbox SET taken_until_ms = NULL WHERE id = ? AND taken_until_ms > 0";
            sqlx::query(end).bind(id).execute(&self.pool).await.or_store()?;
        }
        Ok(())
    }

    async fn hasten_messages(&self, now_ms: u64) -> Result<u64, StoreError> {
        let hasten = sqlx::AssertSqlSafe(format!(
            "UPDATE outbox SET next_ms = iif({IS_OFF}, ?1, next_ms), \
             taken_until_ms = iif(taken_until_ms > ?3, NULL, taken_until_ms) \
             WHERE state = 'waiting' AND ({IS_OFF} OR taken_until_ms > ?3)"
        ));
        let hastened = sqlx::query(hasten)
            .bind(signed(now_ms))
            .bind(signed(now_ms.saturating_add(LONGEST_WAIT_MS)))
            .bind(signed(now_ms.saturating_add(LONGEST_TAKEN_MS)))
            .execute(&self.pool)
            .await
            .or_store()?;
        let count = hastened.rows_affected();
        if count > 0 {
            let _ = self.messages.send(());
        }
        Ok(count)
    }

    async fn next_message(&self) -> Result<Option<u64>, StoreError> {
        // Those behind another one of their partition wait for its end.
        let row = sqlx::query(
            "SELECT ready_ms FROM outbox AS head WHERE head.state = 'waiting' \
             AND NOT EXISTS (SELECT 1 FROM outbox AS other \
             WHERE other.partition = head.partition AND other.state = 'waiting' \
             AND other.number < head.number) ORDER BY head.ready_ms LIMIT 1",
        )
        .fetch_optional(&self.reads)
        .await
        .or_store()?;
        let ready: Option<i64> = row.map(|row| row.try_get("ready_ms").or_store()).transpose()?;
        Ok(ready.map(unsigned))
    }

    async fn message(&self, id: &str) -> Result<Option<Message>, StoreError> {
        let select = sqlx::query("SELECT * FROM outbox WHERE id = ?");
        let row = select.bind(id).fetch_optional(&self.reads).await.or_store()?;
        row.as_ref().map(message).transpose()
    }

    async fn messages(&self, filter: &OutboxFilter) -> Result<Vec<Message>, StoreError> {
        let states: Vec<_> = filter.states.iter().map(|state| state.as_str()).collect();
        let states = Some(states).filter(|states| !states.is_empty());
        let states = states.as_ref().map(upcast::write).transpose()?;
        let rows = sqlx::query(
            "SELECT * FROM outbox WHERE project = ?1 AND (?2 IS NULL OR id < ?2) \
             AND (?3 IS NULL OR job = ?3) AND (?4 IS NULL OR receiver_name = ?4) \
             AND (?5 IS NULL OR state IN (SELECT value FROM json_each(?5))) \
             ORDER BY id DESC LIMIT ?6",
        )
        .bind(&filter.project)
        .bind(filter.before.as_deref())
        .bind(filter.job.as_deref())
        .bind(filter.receiver.as_deref())
        .bind(states)
        .bind(filter.limit)
        .fetch_all(&self.reads)
        .await
        .or_store()?;
        Ok(readable(&rows))
    }

    async fn message_counts(&self) -> Result<Vec<MessageCount>, StoreError> {
        let rows = sqlx::query(
            "SELECT state, count(*) AS many, min(created_ms) AS oldest_ms FROM outbox GROUP BY state",
        )
        .fetch_all(&self.reads)
        .await
        .or_store()?;
        let mut counts = Vec::new();
        for row in &rows {
            let state: String = row.try_get("state").or_store()?;
            let many: i64 = row.try_get("many").or_store()?;
            let oldest_ms: i64 = row.try_get("oldest_ms").or_store()?;
            // A state of a newer daemon is none that this one counts.
            if let Some(state) = MessageState::parse(&state) {
                let (count, oldest_ms) = (unsigned(many), unsigned(oldest_ms));
                counts.push(MessageCount { state, count, oldest_ms });
            }
        }
        Ok(counts)
    }

    async fn replay_message(&self, id: &str, now_ms: u64) -> Result<bool, StoreError> {
        let replay = sqlx::AssertSqlSafe(format!(
            "UPDATE outbox SET state = ?2, attempts = 0, next_ms = ?3, taken_until_ms = NULL, \
             code = NULL, error = '' \
             WHERE id = ?1 AND state IN (?4, ?5) AND NOT {HAS_NEWER}"
        ));
        let replayed = sqlx::query(replay)
            .bind(id)
            .bind(MessageState::Waiting.as_str())
            .bind(signed(now_ms))
            .bind(MessageState::Dead.as_str())
            .bind(MessageState::Done.as_str())
            .execute(&self.pool)
            .await
            .or_store()?;
        let is_replayed = replayed.rows_affected() > 0;
        if is_replayed {
            let _ = self.messages.send(());
        }
        Ok(is_replayed)
    }

    async fn drop_message(&self, id: &str) -> Result<bool, StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.or_store()?;
        let dropped =
            sqlx::query("UPDATE outbox SET state = ?2 WHERE id = ?1 AND state IN (?3, ?4)")
                .bind(id)
                .bind(MessageState::Void.as_str())
                .bind(MessageState::Waiting.as_str())
                .bind(MessageState::Dead.as_str())
                .execute(&mut *transaction)
                .await
                .or_store()?;
        // Somebody may be sending it: the next one of its partition does not overtake it.
        sqlx::query(
            "UPDATE outbox SET next_ms = max(outbox.next_ms, dropped.taken_until_ms) \
             FROM outbox AS dropped WHERE dropped.id = ?1 AND dropped.state = ?2 \
             AND dropped.taken_until_ms IS NOT NULL \
             AND outbox.partition = dropped.partition AND outbox.state = ?3",
        )
        .bind(id)
        .bind(MessageState::Void.as_str())
        .bind(MessageState::Waiting.as_str())
        .execute(&mut *transaction)
        .await
        .or_store()?;
        transaction.commit().await.or_store()?;
        Ok(dropped.rows_affected() > 0)
    }

    async fn forget_messages(&self, at_ms: u64) -> Result<(), StoreError> {
        let slice = "DELETE FROM outbox WHERE number IN (SELECT number FROM outbox \
                     WHERE created_ms < ?1 AND state <> 'waiting' LIMIT ?2)";
        self.forget(slice, Rows::Before(at_ms)).await
    }

    fn new_messages(&self) -> broadcast::Receiver<()> {
        self.messages.subscribe()
    }
}

/// Reads messages. One that cannot be read is left out, and logged.
fn readable(rows: &[SqliteRow]) -> Vec<Message> {
    let read = |row: &SqliteRow| {
        let unreadable = |error: &StoreError| tracing::error!(%error, "a message is left out");
        message(row).inspect_err(unreadable).ok()
    };
    rows.iter().filter_map(read).collect()
}
