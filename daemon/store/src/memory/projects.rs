//! Projects in memory.

use super::{MemoryStore, own_registries, tables::Project};
use async_trait::async_trait;
use windlass_engine::ports::store::{
    Applied, PROJECTS_LISTED, ProjectRecord, Projects, StoreError, VERSIONS_KEPT,
};
use windlass_model::{clock::now_ms, project::ProjectSpec};

impl Project {
    /// Returns the current version. `None` means that the project was deleted.
    fn current(&self) -> Option<&ProjectRecord> {
        self.versions.last().filter(|_| !self.is_deleted)
    }
}

#[async_trait]
impl Projects for MemoryStore {
    async fn apply_project(
        &self,
        spec: &ProjectSpec,
        by: &str,
        expected: Option<u32>,
    ) -> Result<Applied, StoreError> {
        let mut tables = self.tables();
        let current = tables.projects.get(&spec.project).and_then(Project::current);
        let version = current.map(|current| current.version);
        if expected.is_some_and(|expected| expected != version.unwrap_or_default()) {
            return Ok(Applied::Conflict(version));
        }
        if let Some(same) = current.filter(|current| current.spec == *spec) {
            return Ok(Applied::Version(Box::new(same.clone())));
        }
        let project = tables.projects.entry(spec.project.clone()).or_default();
        let last = project.versions.last().map(|last| last.version).unwrap_or_default();
        let record = ProjectRecord {
            spec: spec.clone(),
            version: last.saturating_add(1),
            by: by.into(),
            at_ms: now_ms(),
        };
        project.versions.push(record.clone());
        let oldest = record.version.saturating_sub(VERSIONS_KEPT);
        project.versions.retain(|one| one.version > oldest);
        project.is_deleted = false;
        Ok(Applied::Version(Box::new(record)))
    }

    async fn project(&self, name: &str) -> Result<Option<ProjectRecord>, StoreError> {
        Ok(self.tables().projects.get(name).and_then(Project::current).cloned())
    }

    async fn projects(&self) -> Result<Vec<ProjectRecord>, StoreError> {
        let limit = usize::try_from(PROJECTS_LISTED).unwrap_or(usize::MAX);
        let tables = self.tables();
        let current = tables.projects.values().filter_map(Project::current);
        Ok(current.take(limit).cloned().collect())
    }

    async fn project_versions(
        &self,
        name: &str,
        newest: Option<u32>,
        limit: u32,
    ) -> Result<Vec<ProjectRecord>, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let tables = self.tables();
        let versions = tables.projects.get(name).into_iter().flat_map(|one| one.versions.iter());
        let wanted = versions.filter(|one| newest.is_none_or(|newest| one.version <= newest));
        Ok(wanted.rev().take(limit).cloned().collect())
    }

    async fn delete_project(&self, name: &str, by: &str) -> Result<bool, StoreError> {
        let mut tables = self.tables();
        let project = tables.projects.get_mut(name).filter(|project| !project.is_deleted);
        let Some(project) = project else { return Ok(false) };
        project.is_deleted = true;
        tables.hooks.retain(|_, hook| hook.record.project != name);
        tables.accepted.retain(|_, accepted| accepted.project != name);
        let registries = tables.own_registries.iter_mut().filter(|((of, _), _)| of == name);
        for (_, versions) in registries {
            own_registries::remove(versions, by);
        }
        own_registries::forget_removed(&mut tables, name);
        tables.own_clusters.retain(|(project, _), _| project != name);
        Ok(true)
    }
}
