//! Conversion of rows into deliveries.

use super::rows::unsigned;
use crate::{error::OrStore, upcast};
use sqlx::{Row, sqlite::SqliteRow};
use windlass_engine::ports::store::StoreError;
use windlass_model::delivery::Delivery;

/// Reads a row of `deliveries`.
pub(super) fn delivery(row: &SqliteRow) -> Result<Delivery, StoreError> {
    let id: String = row.try_get("id").or_store()?;
    let what = format!("delivery {id}");
    let report: &str = row.try_get("report").or_store()?;
    let verdicts: &str = row.try_get("verdicts").or_store()?;
    let at_ms: i64 = row.try_get("at_ms").or_store()?;
    Ok(Delivery {
        hook: row.try_get("hook").or_store()?,
        project: row.try_get("project").or_store()?,
        repository: row.try_get("repository").or_store()?,
        report: upcast::read(&what, row.try_get("version").or_store()?, report)?,
        body_sha256: row.try_get("body_sha256").or_store()?,
        at_ms: unsigned(at_ms),
        verdicts: upcast::read(&what, row.try_get("verdicts_version").or_store()?, verdicts)?,
        id,
    })
}

/// Reads a row of `deliveries`. `None` means that it cannot be read: it is left out, and logged.
pub(super) fn readable(row: &SqliteRow) -> Option<Delivery> {
    let unreadable = |error: &StoreError| tracing::error!(%error, "a delivery is left out");
    delivery(row).inspect_err(unreadable).ok()
}
