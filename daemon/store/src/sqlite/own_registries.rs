//! Registries of projects' own, with their sealed secrets.

use super::{
    SqliteStore,
    rows::{signed, unsigned},
};
use crate::{error::OrStore, logins, upcast};
use async_trait::async_trait;
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};
use windlass_engine::ports::store::{
    MOST_OWN_REGISTRIES, OWN_REGISTRY_VERSIONS_KEPT, OpenedRegistry, OwnRegistries,
    OwnRegistryRecord, OwnRegistryVersion, PutRegistry, REMOVED_REGISTRIES_KEPT, StoreError,
};
use windlass_model::{
    clock::now_ms,
    own::registry::{OwnRegistry, RegistrySecrets},
};

/// Selects the current version of each registry of a project, by host. Those that were removed are left out.
const CURRENT: &str = "SELECT * FROM own_registries AS one WHERE project = ? AND spec IS NOT NULL \
    AND version = (SELECT max(version) FROM own_registries AS other \
    WHERE other.project = one.project AND other.host = one.host) ORDER BY host";

/// Deletes all versions of the registries of a project that were removed before the last ones. Rows are numbered in the
/// order in which they were inserted.
const FORGET_REMOVED: &str = "DELETE FROM own_registries WHERE project = ?1 AND host IN \
    (SELECT host FROM own_registries AS one WHERE project = ?1 AND spec IS NULL \
    AND version = (SELECT max(version) FROM own_registries AS other \
    WHERE other.project = one.project AND other.host = one.host) \
    ORDER BY one.rowid DESC LIMIT -1 OFFSET ?2)";

/// Returns the name that the secrets of a version are bound to. The host comes last, since it alone may have colons and
/// dots.
fn row_name(project: &str, version: u32, host: &str) -> String {
    format!("registry|{project}|{version}|{host}")
}

#[async_trait]
impl OwnRegistries for SqliteStore {
    async fn put_registry(
        &self,
        project: &str,
        registry: &OwnRegistry,
        secrets: &RegistrySecrets,
        finding: &str,
        by: &str,
    ) -> Result<PutRegistry, StoreError> {
        let host = &registry.host;
        let json = upcast::write(registry)?;
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.or_store()?;
        let rows = sqlx::query(CURRENT).bind(project);
        let rows = rows.fetch_all(&mut *transaction).await.or_store()?;
        let mut others = 0;
        for row in &rows {
            let other: &str = row.try_get("host").or_store()?;
            if other == host {
                // One that cannot be read is replaced.
                continue;
            }
            others += 1;
            if registry.images.is_some() && record(row)?.registry.images.is_some() {
                return Ok(PutRegistry::SecondPlace(other.to_owned()));
            }
        }
        if others >= MOST_OWN_REGISTRIES {
            return Ok(PutRegistry::TooMany);
        }
        let version = last(&mut transaction, project, host).await?.saturating_add(1);
        let sealed = self.key.seal(&row_name(project, version, host), &logins::write(secrets)?)?;
        let at_ms = now_ms();
        let row = NewRow { project, host, version, by, at_ms };
        insert(&mut transaction, &row, Some((json.as_str(), finding, sealed.as_slice()))).await?;
        transaction.commit().await.or_store()?;
        Ok(PutRegistry::Version(Box::new(OwnRegistryRecord {
            project: project.into(),
            registry: registry.clone(),
            version,
            finding: finding.into(),
            by: by.into(),
            at_ms,
        })))
    }

    async fn registries(&self, project: &str) -> Result<Vec<OwnRegistryRecord>, StoreError> {
        let select = sqlx::query(CURRENT).bind(project);
        let rows = select.fetch_all(&self.reads).await.or_store()?;
        rows.iter().map(record).collect()
    }

    async fn open_registry(
        &self,
        project: &str,
        host: &str,
    ) -> Result<Option<OpenedRegistry>, StoreError> {
        let select = "SELECT * FROM own_registries WHERE project = ? AND host = ? \
                      ORDER BY version DESC LIMIT 1";
        let select = sqlx::query(select).bind(project).bind(host);
        let row = select.fetch_optional(&self.reads).await.or_store()?;
        let Some(row) = row else { return Ok(None) };
        let spec: Option<&str> = row.try_get("spec").or_store()?;
        if spec.is_none() {
            return Ok(None);
        }
        let record = record(&row)?;
        let unreadable = |why: &str| StoreError::Unreadable {
            what: format!("the logins of registry {host} of project {project}"),
            why: why.into(),
        };
        let sealed: Option<&[u8]> = row.try_get("sealed").or_store()?;
        let sealed = sealed.ok_or_else(|| unreadable("they are not there"))?;
        let opened = self.key.open(&row_name(project, record.version, host), sealed);
        let opened = opened.ok_or_else(|| {
            unreadable("they were sealed with another key file, or changed since")
        })?;
        let secrets = logins::read(&opened)
            .ok_or_else(|| unreadable("they have a form that this daemon does not know"))?;
        Ok(Some(OpenedRegistry { record, secrets }))
    }

    async fn registry_versions(
        &self,
        project: &str,
        host: &str,
    ) -> Result<Vec<OwnRegistryVersion>, StoreError> {
        let select = "SELECT version, spec, format, finding, put_by, at_ms FROM own_registries \
                      WHERE project = ? AND host = ? ORDER BY version DESC LIMIT ?";
        let select = sqlx::query(select).bind(project).bind(host).bind(OWN_REGISTRY_VERSIONS_KEPT);
        let rows = select.fetch_all(&self.reads).await.or_store()?;
        let version = |row: &SqliteRow| {
            let at_ms: i64 = row.try_get("at_ms").or_store()?;
            let number: u32 = row.try_get("version").or_store()?;
            let spec: Option<&str> = row.try_get("spec").or_store()?;
            let format: i64 = row.try_get("format").or_store()?;
            let what = format!("version {number} of registry {host} of project {project}");
            Ok::<_, StoreError>(OwnRegistryVersion {
                version: number,
                registry: spec.map(|spec| upcast::read(&what, format, spec)).transpose()?,
                finding: row.try_get("finding").or_store()?,
                by: row.try_get("put_by").or_store()?,
                at_ms: unsigned(at_ms),
            })
        };
        rows.iter().map(version).collect()
    }

    async fn delete_registry(
        &self,
        project: &str,
        host: &str,
        by: &str,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.or_store()?;
        let is_there = hosts(&mut transaction, project).await?.iter().any(|one| one == host);
        if is_there {
            remove(&mut transaction, project, host, by).await?;
            transaction.commit().await.or_store()?;
        }
        Ok(is_there)
    }
}

/// Removes all registries of a project, in its transaction.
pub(super) async fn remove_all(
    connection: &mut SqliteConnection,
    project: &str,
    by: &str,
) -> Result<(), StoreError> {
    for host in hosts(connection, project).await? {
        remove(connection, project, &host, by).await?;
    }
    Ok(())
}

/// Returns the hosts of a project's registries.
async fn hosts(
    connection: &mut SqliteConnection,
    project: &str,
) -> Result<Vec<String>, StoreError> {
    let rows = sqlx::query(CURRENT).bind(project).fetch_all(&mut *connection).await.or_store()?;
    rows.iter().map(|row| row.try_get("host").or_store()).collect()
}

async fn remove(
    connection: &mut SqliteConnection,
    project: &str,
    host: &str,
    by: &str,
) -> Result<(), StoreError> {
    let version = last(connection, project, host).await?.saturating_add(1);
    let row = NewRow { project, host, version, by, at_ms: now_ms() };
    insert(connection, &row, None).await?;
    let kept = u32::try_from(REMOVED_REGISTRIES_KEPT).unwrap_or(u32::MAX);
    let forget = sqlx::query(FORGET_REMOVED).bind(project).bind(kept);
    forget.execute(&mut *connection).await.or_store()?;
    Ok(())
}

/// Returns the number of the newest version. 0 means that there never was one.
async fn last(
    connection: &mut SqliteConnection,
    project: &str,
    host: &str,
) -> Result<u32, StoreError> {
    let select = "SELECT coalesce(max(version), 0) AS last FROM own_registries \
                  WHERE project = ? AND host = ?";
    let select = sqlx::query(select).bind(project).bind(host);
    let row = select.fetch_one(&mut *connection).await.or_store()?;
    row.try_get("last").or_store()
}

/// Key of a new version, with its origin.
struct NewRow<'a> {
    project: &'a str,
    host: &'a str,
    version: u32,
    by: &'a str,
    at_ms: u64,
}

/// Inserts a version: spec, finding and sealed secrets, or a removal. Forgets the secrets of the versions before, and
/// the oldest versions.
async fn insert(
    connection: &mut SqliteConnection,
    row: &NewRow<'_>,
    put: Option<(&str, &str, &[u8])>,
) -> Result<(), StoreError> {
    let NewRow { project, host, version, by, at_ms } = *row;
    sqlx::query(
        "INSERT INTO own_registries (project, host, version, spec, format, finding, sealed, \
         put_by, at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(project)
    .bind(host)
    .bind(version)
    .bind(put.map(|(spec, _, _)| spec))
    .bind(upcast::VERSION)
    .bind(put.map(|(_, finding, _)| finding).unwrap_or_default())
    .bind(put.map(|(_, _, sealed)| sealed))
    .bind(by)
    .bind(signed(at_ms))
    .execute(&mut *connection)
    .await
    .or_store()?;
    let forget = "UPDATE own_registries SET sealed = NULL \
                  WHERE project = ? AND host = ? AND version < ? AND sealed IS NOT NULL";
    let forget = sqlx::query(forget).bind(project).bind(host).bind(version);
    forget.execute(&mut *connection).await.or_store()?;
    let oldest = version.saturating_sub(OWN_REGISTRY_VERSIONS_KEPT);
    let delete = "DELETE FROM own_registries WHERE project = ? AND host = ? AND version <= ?";
    let delete = sqlx::query(delete).bind(project).bind(host).bind(oldest);
    delete.execute(&mut *connection).await.or_store()?;
    Ok(())
}

/// Reads a row with a spec, without its secrets.
fn record(row: &SqliteRow) -> Result<OwnRegistryRecord, StoreError> {
    let project: String = row.try_get("project").or_store()?;
    let host: &str = row.try_get("host").or_store()?;
    let version: u32 = row.try_get("version").or_store()?;
    let spec: &str = row.try_get("spec").or_store()?;
    let at_ms: i64 = row.try_get("at_ms").or_store()?;
    let what = format!("version {version} of registry {host} of project {project}");
    Ok(OwnRegistryRecord {
        registry: upcast::read(&what, row.try_get("format").or_store()?, spec)?,
        project,
        version,
        finding: row.try_get("finding").or_store()?,
        by: row.try_get("put_by").or_store()?,
        at_ms: unsigned(at_ms),
    })
}
