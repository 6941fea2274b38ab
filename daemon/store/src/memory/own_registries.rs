//! Registries of projects' own in memory.

use super::{
    MemoryStore,
    tables::{OwnVersion, Tables},
};
use async_trait::async_trait;
use windlass_engine::ports::store::{
    MOST_OWN_REGISTRIES, OWN_REGISTRY_VERSIONS_KEPT, OpenedRegistry, OwnRegistries,
    OwnRegistryRecord, OwnRegistryVersion, PutRegistry, REMOVED_REGISTRIES_KEPT, StoreError,
};
use windlass_model::{
    clock::now_ms,
    own::registry::{OwnRegistry, RegistrySecrets},
};

/// Adds a version, and forgets what a store forgets then.
fn add(versions: &mut Vec<OwnVersion>, mut next: OwnVersion) -> u32 {
    next.version = versions.last().map(|last| last.version).unwrap_or_default().saturating_add(1);
    for earlier in versions.iter_mut() {
        earlier.secrets = RegistrySecrets::default();
    }
    let version = next.version;
    let oldest = version.saturating_sub(OWN_REGISTRY_VERSIONS_KEPT);
    versions.push(next);
    versions.retain(|one| one.version > oldest);
    version
}

/// Adds the version that removes a registry. `false` means that there is none.
pub(super) fn remove(versions: &mut Vec<OwnVersion>, by: &str) -> bool {
    let is_there = versions.last().is_some_and(|last| last.registry.is_some());
    if is_there {
        add(versions, OwnVersion { by: by.into(), at_ms: now_ms(), ..OwnVersion::default() });
    }
    is_there
}

/// Forgets the registries of a project that were removed before the last ones.
pub(super) fn forget_removed(tables: &mut Tables, project: &str) {
    let last = |versions: &Vec<OwnVersion>| {
        versions.last().map(|last| (last.at_ms, last.registry.is_none()))
    };
    let mut removed: Vec<(u64, String)> = Vec::new();
    for ((of, host), versions) in &tables.own_registries {
        if of == project
            && let Some((at_ms, true)) = last(versions)
        {
            removed.push((at_ms, host.clone()));
        }
    }
    removed.sort();
    let many = removed.len().saturating_sub(REMOVED_REGISTRIES_KEPT);
    for (_, host) in removed.into_iter().take(many) {
        tables.own_registries.remove(&(project.to_owned(), host));
    }
}

/// Returns the current version. `None` means that the registry was removed.
fn current(project: &str, versions: &[OwnVersion]) -> Option<OwnRegistryRecord> {
    let last = versions.last()?;
    Some(OwnRegistryRecord {
        project: project.into(),
        registry: last.registry.clone()?,
        version: last.version,
        finding: last.finding.clone(),
        by: last.by.clone(),
        at_ms: last.at_ms,
    })
}

#[async_trait]
impl OwnRegistries for MemoryStore {
    async fn put_registry(
        &self,
        project: &str,
        registry: &OwnRegistry,
        secrets: &RegistrySecrets,
        finding: &str,
        by: &str,
    ) -> Result<PutRegistry, StoreError> {
        let others = self.registries(project).await?.into_iter();
        let others: Vec<_> = others.filter(|one| one.registry.host != registry.host).collect();
        let second = others.iter().find(|one| one.registry.images.is_some());
        if let (Some(_), Some(second)) = (&registry.images, second) {
            return Ok(PutRegistry::SecondPlace(second.registry.host.clone()));
        }
        if others.len() >= MOST_OWN_REGISTRIES {
            return Ok(PutRegistry::TooMany);
        }
        let mut tables = self.tables();
        let key = (project.to_owned(), registry.host.clone());
        let versions = tables.own_registries.entry(key).or_default();
        let at_ms = now_ms();
        let next = OwnVersion {
            version: 0,
            registry: Some(registry.clone()),
            secrets: secrets.clone(),
            finding: finding.into(),
            by: by.into(),
            at_ms,
        };
        let version = add(versions, next);
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
        let tables = self.tables();
        let of_project = tables.own_registries.iter().filter(|((of, _), _)| of == project);
        Ok(of_project.filter_map(|(_, versions)| current(project, versions)).collect())
    }

    async fn open_registry(
        &self,
        project: &str,
        host: &str,
    ) -> Result<Option<OpenedRegistry>, StoreError> {
        let tables = self.tables();
        let key = (project.to_owned(), host.to_owned());
        let Some(versions) = tables.own_registries.get(&key) else { return Ok(None) };
        let secrets = versions.last().map(|last| last.secrets.clone()).unwrap_or_default();
        Ok(current(project, versions).map(|record| OpenedRegistry { record, secrets }))
    }

    async fn registry_versions(
        &self,
        project: &str,
        host: &str,
    ) -> Result<Vec<OwnRegistryVersion>, StoreError> {
        let tables = self.tables();
        let versions = tables.own_registries.get(&(project.to_owned(), host.to_owned()));
        let shown = |one: &OwnVersion| OwnRegistryVersion {
            version: one.version,
            registry: one.registry.clone(),
            finding: one.finding.clone(),
            by: one.by.clone(),
            at_ms: one.at_ms,
        };
        Ok(versions.into_iter().flatten().rev().map(shown).collect())
    }

    async fn delete_registry(
        &self,
        project: &str,
        host: &str,
        by: &str,
    ) -> Result<bool, StoreError> {
        let mut tables = self.tables();
        let versions = tables.own_registries.get_mut(&(project.to_owned(), host.to_owned()));
        let is_removed = versions.is_some_and(|versions| remove(versions, by));
        forget_removed(&mut tables, project);
        Ok(is_removed)
    }
}
