//! The format of a whole journal: an older daemon refuses a newer one's, with the versions named.

use crate::error::OrStore;
use sqlx::SqlitePool;
use std::path::Path;
use windlass_engine::ports::store::StoreError;

/// Format that is written, in SQLite's `user_version`: the number of the last migration plus the version of
/// `upcast.rs`, so that each of them raises it. 0 is a journal of before this number.
pub(super) const FORMAT: i64 = 14;

/// Version of this daemon.
const OWN: &str = env!("CARGO_PKG_VERSION");

/// Checks that no newer daemon wrote the journal, before anything of it is read or migrated.
pub(super) async fn refuse_newer(pool: &SqlitePool, folder: &Path) -> Result<(), StoreError> {
    let found: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(pool).await.or_store()?;
    if found <= FORMAT {
        return Ok(());
    }
    // A format that is so new that it does not have the table has no name for its daemon either.
    let by = sqlx::query_scalar("SELECT version FROM written_by").fetch_optional(pool).await;
    let by: Option<String> = by.ok().flatten();
    Err(StoreError::Newer {
        at: folder.display().to_string(),
        by: by.unwrap_or_else(|| "(unknown version)".into()),
        found,
        own: OWN.into(),
        known: FORMAT,
    })
}

/// Marks the journal as written by this daemon.
pub(super) async fn mark(pool: &SqlitePool) -> Result<(), StoreError> {
    let format = sqlx::AssertSqlSafe(format!("PRAGMA user_version = {FORMAT}"));
    sqlx::query(format).execute(pool).await.or_store()?;
    let by = "INSERT INTO written_by (only, version) VALUES (1, ?) \
              ON CONFLICT (only) DO UPDATE SET version = excluded.version";
    sqlx::query(by).bind(OWN).execute(pool).await.or_store()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upcast;

    /// Whoever adds a migration or a version without raising the format gets this error.
    #[test]
    fn the_format_has_every_migration_and_version() {
        let migrations = sqlx::migrate!("./migrations").iter().map(|one| one.version).max();
        assert_eq!(FORMAT, migrations.unwrap_or_default() + i64::from(upcast::VERSION));
    }
}
