//! Deliveries of forges, and the commits that triggers deployed last.

use super::{
    SqliteStore,
    delivered::{delivery, readable},
    rows::{signed, unsigned},
    slices::Rows,
    writer::{Fact, Receipt, Request},
};
use crate::{error::OrStore, upcast};
use async_trait::async_trait;
use futures::TryStreamExt;
use sqlx::{Row, sqlite::SqliteRow};
use tokio::sync::oneshot;
use windlass_engine::ports::store::{
    ACCEPTED_LISTED, Accepted, Arrival, Deliveries, DeliveryFilter, StoreError,
};
use windlass_model::delivery::{Delivery, Verdict};

impl SqliteStore {
    /// Stores a fact of a verified webhook, together with others that come at the same time.
    pub(super) async fn receive(&self, fact: Fact) -> Result<Arrival, StoreError> {
        let (done, stored) = oneshot::channel();
        let ended = || StoreError::Other("the writer has ended".into());
        let request = Request::Receive(Receipt { fact, done });
        self.writes.send(request).await.map_err(|_| ended())?;
        stored.await.map_err(|_| ended())?
    }
}

#[async_trait]
impl Deliveries for SqliteStore {
    async fn add_delivery(&self, delivery: &Delivery) -> Result<Arrival, StoreError> {
        self.receive(Fact::Delivered(Box::new(delivery.clone()))).await
    }

    async fn delivery(&self, id: &str) -> Result<Option<Delivery>, StoreError> {
        let select = sqlx::query("SELECT * FROM deliveries WHERE id = ?");
        let row = select.bind(id).fetch_optional(&self.reads).await.or_store()?;
        row.as_ref().map(delivery).transpose()
    }

    async fn deliveries(&self, filter: &DeliveryFilter) -> Result<Vec<Delivery>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM deliveries WHERE project = ?1 AND (?2 IS NULL OR repository = ?2) \
             AND (?3 IS NULL OR id < ?3) ORDER BY id DESC LIMIT ?4",
        )
        .bind(&filter.project)
        .bind(filter.repository.as_deref())
        .bind(filter.before.as_deref())
        .bind(filter.limit)
        .fetch_all(&self.reads)
        .await
        .or_store()?;
        Ok(rows.iter().filter_map(readable).collect())
    }

    async fn undecided(&self, limit: u32) -> Result<Vec<Delivery>, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        // Without a limit of rows: those that cannot be read would keep all others from a worker for good.
        let select = "SELECT deliveries.* FROM deliveries JOIN (SELECT id, row_number() OVER \
                      (PARTITION BY project ORDER BY id) AS turn FROM deliveries \
                      WHERE decided = 0) AS waiting ON waiting.id = deliveries.id \
                      ORDER BY waiting.turn, deliveries.id";
        let mut rows = sqlx::query(select).fetch(&self.reads);
        let mut found = Vec::new();
        while found.len() < limit {
            let Some(row) = rows.try_next().await.or_store()? else { break };
            found.extend(readable(&row));
        }
        Ok(found)
    }

    async fn decide(&self, id: &str, verdicts: &[Verdict]) -> Result<(), StoreError> {
        let decide = "UPDATE deliveries SET verdicts = ?2, verdicts_version = ?3, decided = ?4 \
                      WHERE id = ?1";
        sqlx::query(decide)
            .bind(id)
            .bind(upcast::write(&verdicts)?)
            .bind(upcast::VERSION)
            .bind(!verdicts.is_empty())
            .execute(&self.pool)
            .await
            .or_store()?;
        Ok(())
    }

    async fn last_accepted(
        &self,
        project: &str,
        trigger: &str,
        name: &str,
    ) -> Result<Option<Accepted>, StoreError> {
        let row = sqlx::query(
            "SELECT * FROM accepted WHERE project = ? AND trigger_name = ? AND ref_name = ?",
        )
        .bind(project)
        .bind(trigger)
        .bind(name)
        .fetch_optional(&self.reads)
        .await
        .or_store()?;
        row.as_ref().map(accepted).transpose()
    }

    async fn accepted_by(&self, project: &str, trigger: &str) -> Result<Vec<Accepted>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM accepted WHERE project = ? AND trigger_name = ? \
             ORDER BY at_ms DESC, job DESC LIMIT ?",
        )
        .bind(project)
        .bind(trigger)
        .bind(ACCEPTED_LISTED)
        .fetch_all(&self.reads)
        .await
        .or_store()?;
        rows.iter().map(accepted).collect()
    }

    async fn accept(&self, accepted: &Accepted) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT OR REPLACE INTO accepted \
             (project, trigger_name, ref_name, commit_id, job, at_ms) VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(&accepted.project)
        .bind(&accepted.trigger)
        .bind(&accepted.name)
        .bind(&accepted.commit)
        .bind(&accepted.job)
        .bind(signed(accepted.at_ms))
        .execute(&self.pool)
        .await
        .or_store()?;
        Ok(())
    }

    async fn forget_ref(&self, project: &str, trigger: &str, name: &str) -> Result<(), StoreError> {
        let delete = "DELETE FROM accepted WHERE project = ? AND trigger_name = ? AND ref_name = ?";
        let delete = sqlx::query(delete).bind(project).bind(trigger).bind(name);
        delete.execute(&self.pool).await.or_store()?;
        Ok(())
    }

    async fn forget_deliveries(&self, at_ms: u64) -> Result<(), StoreError> {
        let slice = "DELETE FROM deliveries WHERE id IN (SELECT id FROM deliveries \
                     WHERE at_ms < ?1 AND decided = 1 LIMIT ?2)";
        self.forget(slice, Rows::Before(at_ms)).await
    }
}

fn accepted(row: &SqliteRow) -> Result<Accepted, StoreError> {
    let at_ms: i64 = row.try_get("at_ms").or_store()?;
    Ok(Accepted {
        project: row.try_get("project").or_store()?,
        trigger: row.try_get("trigger_name").or_store()?,
        name: row.try_get("ref_name").or_store()?,
        commit: row.try_get("commit_id").or_store()?,
        job: row.try_get("job").or_store()?,
        at_ms: unsigned(at_ms),
    })
}
