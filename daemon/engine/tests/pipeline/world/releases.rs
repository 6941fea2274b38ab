//! Fake of the releases that serve, of all apps.

use async_trait::async_trait;
use std::sync::Mutex;
use windlass_engine::ports::store::{Collected, Releases, StoreError};
use windlass_model::{app::App, contraction::Contraction, job::Release};

/// Releases of other apps than the job's.
#[derive(Default)]
pub(crate) struct FakeReleases(Mutex<Vec<Release>>);

impl FakeReleases {
    pub(super) fn add(&self, release: &Release) {
        self.0.lock().unwrap().push(release.clone());
    }
}

#[async_trait]
impl Releases for FakeReleases {
    async fn releases(
        &self,
        _: &App,
        _: Option<&str>,
        _: u32,
    ) -> Result<Vec<(Release, u64)>, StoreError> {
        Ok(Vec::new())
    }

    async fn last_release(&self, _: &App, _: &str) -> Result<Option<Release>, StoreError> {
        Ok(None)
    }

    async fn removal(&self, _: &App, _: &str) -> Result<Option<String>, StoreError> {
        Ok(None)
    }

    async fn migrated(&self, _: &App, _: &str, _: &str) -> Result<Option<u64>, StoreError> {
        Ok(None)
    }

    async fn contraction(&self, _: &App, _: &str) -> Result<Option<Contraction>, StoreError> {
        Ok(None)
    }

    async fn serving(&self, text: &str) -> Result<Vec<Release>, StoreError> {
        let all = self.0.lock().unwrap();
        let holds = |release: &&Release| serde_json::to_string(release).unwrap().contains(text);
        Ok(all.iter().filter(holds).cloned().collect())
    }

    async fn collected(&self, _: &App, _: &str) -> Result<Option<Collected>, StoreError> {
        Ok(None)
    }
}
