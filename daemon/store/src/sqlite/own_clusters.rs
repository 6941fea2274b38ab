//! Clusters of projects' own, with their sealed kubeconfigs.

use super::{
    SqliteStore,
    rows::{signed, unsigned},
};
use crate::{error::OrStore, upcast};
use async_trait::async_trait;
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};
use windlass_engine::ports::store::{
    CLUSTER_NAMES_KEPT, CLUSTER_VERSIONS_KEPT, OwnClusterRecord, OwnClusters, StoreError,
};
use windlass_model::{
    clock::now_ms,
    own::cluster::{MOST_CLUSTERS, OwnCluster},
    secret::Secret,
};

/// Selects the newest version of each name of project `?1`, at most `?2` of them.
const NEWEST: &str = "SELECT * FROM own_clusters AS newest \
    WHERE project = ?1 \
    AND version = (SELECT max(version) FROM own_clusters \
    WHERE project = newest.project AND name = newest.name) \
    ORDER BY name LIMIT ?2";

/// Selects the newest version of name `?2` of project `?1`. Each call to a cluster asks for it.
const NEWEST_OF_ONE: &str = "SELECT * FROM own_clusters WHERE project = ?1 AND name = ?2 \
    ORDER BY version DESC LIMIT 1";

/// Forgets the removed name of project `?1` that was removed first, without name `?2`.
const FORGET_ONE: &str = "DELETE FROM own_clusters WHERE project = ?1 AND name = (\
    SELECT name FROM own_clusters AS newest \
    WHERE project = ?1 AND name <> ?2 AND spec IS NULL \
    AND version = (SELECT max(version) FROM own_clusters \
    WHERE project = newest.project AND name = newest.name) \
    ORDER BY at_ms, name LIMIT 1)";

/// Returns the name that a kubeconfig is bound to: a row of another project, name or version does not open.
fn row_name(project: &str, name: &str, version: u32) -> String {
    format!("cluster|{project}|{name}|{version}")
}

/// Returns a bound for SQLite.
fn bound(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[async_trait]
impl OwnClusters for SqliteStore {
    async fn put_cluster(
        &self,
        project: &str,
        name: &str,
        cluster: &OwnCluster,
        kubeconfig: &Secret,
        by: &str,
    ) -> Result<Option<OwnClusterRecord>, StoreError> {
        let json = upcast::write(cluster)?;
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.or_store()?;
        let others = "SELECT count(*) FROM own_clusters AS newest \
                      WHERE project = ?1 AND name <> ?2 AND spec IS NOT NULL \
                      AND version = (SELECT max(version) FROM own_clusters \
                      WHERE project = newest.project AND name = newest.name)";
        let others = sqlx::query_scalar(others).bind(project).bind(name);
        let others: i64 = others.fetch_one(&mut *transaction).await.or_store()?;
        if others >= bound(MOST_CLUSTERS) {
            return Ok(None);
        }
        let names =
            "SELECT count(DISTINCT name) FROM own_clusters WHERE project = ?1 AND name <> ?2";
        let names = sqlx::query_scalar(names).bind(project).bind(name);
        let names: i64 = names.fetch_one(&mut *transaction).await.or_store()?;
        if names >= bound(CLUSTER_NAMES_KEPT) {
            let forget = sqlx::query(FORGET_ONE).bind(project).bind(name);
            forget.execute(&mut *transaction).await.or_store()?;
        }
        let record = OwnClusterRecord {
            project: project.into(),
            name: name.into(),
            version: next_version(&mut transaction, project, name).await?,
            cluster: Some(cluster.clone()),
            by: by.into(),
            at_ms: now_ms(),
        };
        let sealed = self.key.seal(&row_name(project, name, record.version), kubeconfig)?;
        insert(&mut transaction, &record, Some(&json), Some(sealed)).await?;
        transaction.commit().await.or_store()?;
        Ok(Some(record))
    }

    async fn own_clusters(&self, project: &str) -> Result<Vec<OwnClusterRecord>, StoreError> {
        let select = sqlx::query(NEWEST).bind(project).bind(bound(CLUSTER_NAMES_KEPT));
        let rows = select.fetch_all(&self.reads).await.or_store()?;
        rows.iter().map(record).collect()
    }

    async fn own_cluster(
        &self,
        project: &str,
        name: &str,
    ) -> Result<Option<OwnClusterRecord>, StoreError> {
        let select = sqlx::query(NEWEST_OF_ONE).bind(project).bind(name);
        let row = select.fetch_optional(&self.reads).await.or_store()?;
        row.as_ref().map(record).transpose()
    }

    async fn cluster_versions(
        &self,
        project: &str,
        name: &str,
    ) -> Result<Vec<OwnClusterRecord>, StoreError> {
        let select = "SELECT * FROM own_clusters WHERE project = ? AND name = ? \
                      ORDER BY version DESC LIMIT ?";
        let select = sqlx::query(select).bind(project).bind(name).bind(CLUSTER_VERSIONS_KEPT);
        let rows = select.fetch_all(&self.reads).await.or_store()?;
        rows.iter().map(record).collect()
    }

    async fn open_cluster(
        &self,
        project: &str,
        name: &str,
    ) -> Result<Option<(OwnClusterRecord, Secret)>, StoreError> {
        let select = sqlx::query(NEWEST_OF_ONE).bind(project).bind(name);
        let row = select.fetch_optional(&self.reads).await.or_store()?;
        let Some(row) = row else { return Ok(None) };
        let record = record(&row)?;
        if record.cluster.is_none() {
            return Ok(None);
        }
        let sealed: Option<&[u8]> = row.try_get("sealed").or_store()?;
        let opened = sealed
            .and_then(|sealed| self.key.open(&row_name(project, name, record.version), sealed));
        let secret = opened.ok_or_else(|| StoreError::Unreadable {
            what: format!("the kubeconfig of cluster {name} of project {project}"),
            why: "it was sealed with another key file, or changed since".into(),
        })?;
        Ok(Some((record, secret)))
    }

    async fn remove_cluster(
        &self,
        project: &str,
        name: &str,
        by: &str,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.or_store()?;
        let select = sqlx::query(NEWEST_OF_ONE).bind(project).bind(name);
        let row = select.fetch_optional(&mut *transaction).await.or_store()?;
        let spec: Option<&str> = match &row {
            Some(row) => row.try_get("spec").or_store()?,
            None => None,
        };
        // One that cannot be read can be removed.
        if spec.is_none() {
            return Ok(false);
        }
        let removal = OwnClusterRecord {
            project: project.into(),
            name: name.into(),
            version: next_version(&mut transaction, project, name).await?,
            cluster: None,
            by: by.into(),
            at_ms: now_ms(),
        };
        insert(&mut transaction, &removal, None, None).await?;
        transaction.commit().await.or_store()?;
        Ok(true)
    }
}

/// Returns the number of the next version of a name.
async fn next_version(
    transaction: &mut SqliteConnection,
    project: &str,
    name: &str,
) -> Result<u32, StoreError> {
    let last = "SELECT coalesce(max(version), 0) FROM own_clusters WHERE project = ? AND name = ?";
    let last = sqlx::query_scalar(last).bind(project).bind(name);
    let last: u32 = last.fetch_one(&mut *transaction).await.or_store()?;
    Ok(last.saturating_add(1))
}

/// Stores a version, takes the kubeconfigs of those before it, and forgets the oldest.
async fn insert(
    transaction: &mut SqliteConnection,
    record: &OwnClusterRecord,
    json: Option<&str>,
    sealed: Option<Vec<u8>>,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO own_clusters (project, name, version, spec, format, sealed, made_by, at_ms) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(&record.project)
    .bind(&record.name)
    .bind(record.version)
    .bind(json)
    .bind(upcast::VERSION)
    .bind(sealed)
    .bind(&record.by)
    .bind(signed(record.at_ms))
    .execute(&mut *transaction)
    .await
    .or_store()?;
    for (statement, newest) in [
        (
            "UPDATE own_clusters SET sealed = NULL \
             WHERE project = ? AND name = ? AND version <= ? AND sealed IS NOT NULL",
            record.version.saturating_sub(1),
        ),
        (
            "DELETE FROM own_clusters WHERE project = ? AND name = ? AND version <= ?",
            record.version.saturating_sub(CLUSTER_VERSIONS_KEPT),
        ),
    ] {
        let statement = sqlx::query(statement).bind(&record.project).bind(&record.name);
        statement.bind(newest).execute(&mut *transaction).await.or_store()?;
    }
    Ok(())
}

/// Reads a row of `own_clusters`, without its kubeconfig.
fn record(row: &SqliteRow) -> Result<OwnClusterRecord, StoreError> {
    let project: &str = row.try_get("project").or_store()?;
    let name: &str = row.try_get("name").or_store()?;
    let version: u32 = row.try_get("version").or_store()?;
    let spec: Option<&str> = row.try_get("spec").or_store()?;
    let format: i64 = row.try_get("format").or_store()?;
    let at_ms: i64 = row.try_get("at_ms").or_store()?;
    let what = format!("version {version} of cluster {name} of project {project}");
    Ok(OwnClusterRecord {
        project: project.into(),
        name: name.into(),
        version,
        cluster: spec.map(|spec| upcast::read(&what, format, spec)).transpose()?,
        by: row.try_get("made_by").or_store()?,
        at_ms: unsigned(at_ms),
    })
}
