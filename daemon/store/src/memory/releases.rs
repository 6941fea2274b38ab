//! Releases in memory.

use super::MemoryStore;
use crate::upcast;
use async_trait::async_trait;
use std::collections::{BTreeMap, BTreeSet};
use windlass_engine::ports::store::{Collected, Releases, StoreError};
use windlass_model::{app::App, contraction::Contraction, job::Release};

#[async_trait]
impl Releases for MemoryStore {
    async fn releases(
        &self,
        app: &App,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<(Release, u64)>, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let tables = self.tables();
        let newest_first = tables.releases.values().rev().filter(|(release, _)| {
            release.app == *app && before.is_none_or(|before| *release.id < *before)
        });
        Ok(newest_first.take(limit).cloned().collect())
    }

    async fn last_release(&self, app: &App, cluster: &str) -> Result<Option<Release>, StoreError> {
        let tables = self.tables();
        let mut newest_first = tables.releases.values().rev().map(|(release, _)| release);
        let removal = tables.removal(app, cluster);
        let last = newest_first.find(|release| {
            release.app == *app
                && release.clusters.iter().any(|name| name == cluster)
                && removal.is_none_or(|removal| release.id > *removal)
        });
        Ok(last.cloned())
    }

    async fn removal(&self, app: &App, cluster: &str) -> Result<Option<String>, StoreError> {
        Ok(self.tables().removal(app, cluster).cloned())
    }

    async fn migrated(
        &self,
        app: &App,
        cluster: &str,
        key: &str,
    ) -> Result<Option<u64>, StoreError> {
        let key = (app.clone(), cluster.to_owned(), key.to_owned());
        Ok(self.tables().migrated.get(&key).copied())
    }

    async fn contraction(
        &self,
        app: &App,
        cluster: &str,
    ) -> Result<Option<Contraction>, StoreError> {
        let key = (app.clone(), cluster.to_owned());
        Ok(self.tables().contracted.get(&key).cloned())
    }

    async fn serving(&self, text: &str) -> Result<Vec<Release>, StoreError> {
        let tables = self.tables();
        let mut newest = BTreeMap::new();
        for (id, (release, _)) in &tables.releases {
            for cluster in &release.clusters {
                if tables.removal(&release.app, cluster).is_none_or(|removal| *id > *removal) {
                    newest.insert((&release.app, cluster), id);
                }
            }
        }
        let ids: BTreeSet<_> = newest.into_values().collect();
        let mut serving = Vec::new();
        for (release, _) in ids.into_iter().filter_map(|id| tables.releases.get(id)) {
            if upcast::write(release)?.contains(text) {
                serving.push(release.clone());
            }
        }
        Ok(serving)
    }

    async fn collected(&self, app: &App, text: &str) -> Result<Option<Collected>, StoreError> {
        let tables = self.tables();
        let Some(collected) = tables.collected.get(app) else { return Ok(None) };
        let is_named = |one: &&Collected| one.id.starts_with(text) || one.commit.starts_with(text);
        Ok(collected.values().rev().find(is_named).cloned())
    }
}
