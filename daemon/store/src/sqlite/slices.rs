//! Deletion of many rows in slices, so that events of jobs are stored between them.

use super::{SqliteStore, rows::signed};
use crate::error::OrStore;
use std::time::Duration;
use windlass_engine::ports::store::StoreError;

/// Rows that are deleted in one transaction, and the pause after it, in which events of jobs are stored.
const SLICE: (u32, Duration) = (1000, Duration::from_millis(5));

/// Rows that are deleted by a statement with their key as `?1` and the size of a slice as `?2`.
#[derive(Clone, Copy)]
pub(super) enum Rows<'a> {
    OfJob(&'a str),
    /// Rows of before a time, in milliseconds since 1970.
    Before(u64),
}

impl SqliteStore {
    /// Deletes rows, slice by slice.
    pub(super) async fn forget(
        &self,
        slice: &'static str,
        rows: Rows<'_>,
    ) -> Result<(), StoreError> {
        let (size, pause) = SLICE;
        loop {
            let delete = match rows {
                Rows::OfJob(job) => sqlx::query(slice).bind(job),
                Rows::Before(at_ms) => sqlx::query(slice).bind(signed(at_ms)),
            };
            let deleted = delete.bind(size).execute(&self.pool).await.or_store()?;
            if deleted.rows_affected() < u64::from(size) {
                return Ok(());
            }
            tokio::time::sleep(pause).await;
        }
    }
}
