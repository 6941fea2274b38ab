//! Clusters of projects' own, in memory.

use super::{MemoryStore, tables::OwnVersions};
use async_trait::async_trait;
use windlass_engine::ports::store::{
    CLUSTER_NAMES_KEPT, CLUSTER_VERSIONS_KEPT, OwnClusterRecord, OwnClusters, StoreError,
};
use windlass_model::{
    clock::now_ms,
    own::cluster::{MOST_CLUSTERS, OwnCluster},
    secret::Secret,
};

impl OwnVersions {
    /// Returns whether the newest version is no removal.
    fn is_there(&self) -> bool {
        self.versions.last().is_some_and(|newest| newest.cluster.is_some())
    }

    /// Adds a version, and forgets the oldest.
    fn add(
        &mut self,
        mut record: OwnClusterRecord,
        kubeconfig: Option<Secret>,
    ) -> OwnClusterRecord {
        let last = self.versions.last().map(|last| last.version).unwrap_or_default();
        record.version = last.saturating_add(1);
        self.versions.push(record.clone());
        let oldest = record.version.saturating_sub(CLUSTER_VERSIONS_KEPT);
        self.versions.retain(|one| one.version > oldest);
        self.kubeconfig = kubeconfig;
        record
    }
}

fn place(project: &str, name: &str) -> (String, String) {
    (project.into(), name.into())
}

#[async_trait]
impl OwnClusters for MemoryStore {
    async fn put_cluster(
        &self,
        project: &str,
        name: &str,
        cluster: &OwnCluster,
        kubeconfig: &Secret,
        by: &str,
    ) -> Result<Option<OwnClusterRecord>, StoreError> {
        let mut tables = self.tables();
        let others =
            || tables.own_clusters.iter().filter(|((of, own), _)| of == project && own != name);
        if others().filter(|(_, versions)| versions.is_there()).count() >= MOST_CLUSTERS {
            return Ok(None);
        }
        if others().count() >= CLUSTER_NAMES_KEPT {
            let removed = others().filter(|(_, versions)| !versions.is_there());
            let at_ms = |versions: &OwnVersions| versions.versions.last().map(|last| last.at_ms);
            let first = removed.min_by_key(|(_, versions)| at_ms(versions));
            if let Some(first) = first.map(|(place, _)| place.clone()) {
                tables.own_clusters.remove(&first);
            }
        }
        let record = OwnClusterRecord {
            project: project.into(),
            name: name.into(),
            version: 0,
            cluster: Some(cluster.clone()),
            by: by.into(),
            at_ms: now_ms(),
        };
        let versions = tables.own_clusters.entry(place(project, name)).or_default();
        Ok(Some(versions.add(record, Some(kubeconfig.clone()))))
    }

    async fn own_clusters(&self, project: &str) -> Result<Vec<OwnClusterRecord>, StoreError> {
        let tables = self.tables();
        let of_project = tables.own_clusters.iter().filter(|((of, _), _)| of == project);
        let newest = of_project.filter_map(|(_, versions)| versions.versions.last().cloned());
        Ok(newest.take(CLUSTER_NAMES_KEPT).collect())
    }

    async fn own_cluster(
        &self,
        project: &str,
        name: &str,
    ) -> Result<Option<OwnClusterRecord>, StoreError> {
        let tables = self.tables();
        let versions = tables.own_clusters.get(&place(project, name));
        Ok(versions.and_then(|versions| versions.versions.last().cloned()))
    }

    async fn cluster_versions(
        &self,
        project: &str,
        name: &str,
    ) -> Result<Vec<OwnClusterRecord>, StoreError> {
        let tables = self.tables();
        let versions = tables.own_clusters.get(&place(project, name));
        let newest_first =
            |versions: &OwnVersions| versions.versions.iter().rev().cloned().collect();
        Ok(versions.map(newest_first).unwrap_or_default())
    }

    async fn open_cluster(
        &self,
        project: &str,
        name: &str,
    ) -> Result<Option<(OwnClusterRecord, Secret)>, StoreError> {
        let tables = self.tables();
        let versions = tables.own_clusters.get(&place(project, name));
        Ok(versions.and_then(|versions| {
            versions.versions.last().cloned().zip(versions.kubeconfig.clone())
        }))
    }

    async fn remove_cluster(
        &self,
        project: &str,
        name: &str,
        by: &str,
    ) -> Result<bool, StoreError> {
        let mut tables = self.tables();
        let versions = tables.own_clusters.get_mut(&place(project, name));
        let Some(versions) = versions.filter(|versions| versions.is_there()) else {
            return Ok(false);
        };
        let removal = OwnClusterRecord {
            project: project.into(),
            name: name.into(),
            version: 0,
            cluster: None,
            by: by.into(),
            at_ms: now_ms(),
        };
        versions.add(removal, None);
        Ok(true)
    }
}
