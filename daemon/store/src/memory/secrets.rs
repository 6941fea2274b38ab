//! Secrets in memory.

use super::{MemoryStore, tables::Versions};
use async_trait::async_trait;
use windlass_engine::ports::{
    Secrets,
    store::{SecretRecord, SecretRecords, StoreError},
};
use windlass_model::{clock::now_ms, error::SecretError, secret::Secret};

#[async_trait]
impl SecretRecords for MemoryStore {
    async fn put(
        &self,
        project: &str,
        name: &str,
        value: &Secret,
    ) -> Result<SecretRecord, StoreError> {
        let created_ms = now_ms();
        let mut tables = self.tables();
        let versions = tables.secrets.entry(place(project, name)).or_default();
        versions.last += 1;
        let version = versions.last;
        versions.values.insert(version, (value.clone(), created_ms));
        Ok(SecretRecord { project: project.into(), name: name.into(), version, created_ms })
    }

    async fn list(&self, project: &str) -> Result<Vec<SecretRecord>, StoreError> {
        let tables = self.tables();
        let of_project = tables.secrets.iter().filter(|((of, _), _)| of == project);
        let record = |((project, name), versions): (&(String, String), &Versions)| {
            let (version, (_, created_ms)) = versions.values.last_key_value()?;
            Some(SecretRecord {
                project: project.clone(),
                name: name.clone(),
                version: *version,
                created_ms: *created_ms,
            })
        };
        Ok(of_project.filter_map(record).collect())
    }

    async fn delete(&self, project: &str, name: &str) -> Result<bool, StoreError> {
        let mut tables = self.tables();
        let versions = tables.secrets.get_mut(&place(project, name));
        Ok(versions.is_some_and(|versions| !std::mem::take(&mut versions.values).is_empty()))
    }
}

fn place(project: &str, name: &str) -> (String, String) {
    (project.into(), name.into())
}

#[async_trait]
impl Secrets for MemoryStore {
    async fn open(
        &self,
        project: &str,
        name: &str,
        version: Option<u32>,
    ) -> Result<(Secret, u32), SecretError> {
        let missing =
            || SecretError::Missing { project: project.into(), name: name.into(), version };
        let tables = self.tables();
        let versions = tables.secrets.get(&place(project, name)).ok_or_else(missing)?;
        let newest = || versions.values.last_key_value().map(|(version, _)| *version);
        let number = version.or_else(newest).ok_or_else(missing)?;
        let (value, _) = versions.values.get(&number).ok_or_else(missing)?;
        Ok((value.clone(), number))
    }
}
