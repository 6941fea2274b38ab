//! Releases that are kept no more, in memory.

use super::MemoryStore;
use crate::upcast;
use async_trait::async_trait;
use windlass_engine::ports::store::{COLLECTED_REMEMBERED, Collected, Collection, StoreError};
use windlass_model::app::App;

#[async_trait]
impl Collection for MemoryStore {
    async fn collect(&self, app: &App, releases: &[Collected]) -> Result<u64, StoreError> {
        let mut tables = self.tables();
        let mut forgotten = 0;
        for release in releases {
            let serves = |cluster: &String| {
                tables.removal(app, cluster).is_none_or(|job| *job < release.id)
                    && !tables.releases.values().any(|(newer, _)| {
                        newer.app == *app
                            && newer.id > release.id
                            && newer.clusters.contains(cluster)
                    })
            };
            let may_go = tables
                .releases
                .get(&release.id)
                .is_some_and(|(known, _)| known.app == *app && !known.clusters.iter().any(serves));
            if may_go {
                tables.releases.remove(&release.id);
                let collected = tables.collected.entry(app.clone()).or_default();
                collected.insert(release.id.clone(), release.clone());
                forgotten += 1;
            }
        }
        let most = usize::try_from(COLLECTED_REMEMBERED).unwrap_or(usize::MAX);
        if let Some(collected) = tables.collected.get_mut(app) {
            while collected.len() > most {
                collected.pop_first();
            }
        }
        Ok(forgotten)
    }

    async fn left_images(&self, app: &App) -> Result<Vec<Collected>, StoreError> {
        let tables = self.tables();
        let all = tables.collected.get(app).into_iter().flat_map(|collected| collected.values());
        let mut left: Vec<_> = all.filter(|one| one.tries.is_some()).cloned().collect();
        left.sort_by_key(|one| one.at_ms);
        Ok(left)
    }

    async fn has_image(&self, digest: &str) -> Result<bool, StoreError> {
        let tables = self.tables();
        // Whatever names it counts.
        for (release, _) in tables.releases.values() {
            if upcast::write(release)?.contains(digest) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn tried_image(
        &self,
        app: &App,
        digest: &str,
        tries: Option<u32>,
    ) -> Result<(), StoreError> {
        let mut tables = self.tables();
        let Some(collected) = tables.collected.get_mut(app) else { return Ok(()) };
        for one in collected.values_mut().filter(|one| one.digest == digest) {
            one.tries = tries;
        }
        Ok(())
    }
}
