//! The ports of the API on the store.

use crate::Store;
use async_trait::async_trait;
use tokio::sync::broadcast;
use windlass_engine::records::{
    Filter, JobRecord, JobUpdates, Jobs, Recorded, Releases, SecretRecord, SecretRecords,
    StoreError, Submission, Submitted,
};
use windlass_model::{app::App, job::Release, outcome::Stop, secret::Secret};

#[async_trait]
impl Jobs for Store {
    async fn submit(&self, submission: Submission) -> Result<Submitted, StoreError> {
        Ok(self.submit(submission).await?)
    }

    async fn submitted(
        &self,
        principal: &str,
        request_id: &str,
        body: &[u8],
    ) -> Result<Option<JobRecord>, StoreError> {
        Ok(self.submitted(principal, request_id, body).await?)
    }

    async fn job(&self, id: &str) -> Result<Option<JobRecord>, StoreError> {
        Ok(self.job(id).await?)
    }

    async fn jobs(&self, filter: &Filter) -> Result<Vec<JobRecord>, StoreError> {
        Ok(self.jobs(filter).await?)
    }

    async fn events(&self, id: &str, after: u64, limit: u32) -> Result<Vec<Recorded>, StoreError> {
        Ok(self.events(id, after, limit).await?)
    }

    async fn stop(&self, id: &str, why: &Stop) -> Result<bool, StoreError> {
        Ok(self.stop(id, why).await?)
    }
}

impl JobUpdates for Store {
    fn updates(&self) -> broadcast::Receiver<String> {
        self.updates()
    }
}

#[async_trait]
impl Releases for Store {
    async fn releases(
        &self,
        app: &App,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<(Release, u64)>, StoreError> {
        Ok(self.releases(app, before, limit).await?)
    }

    async fn last_release(&self, app: &App, cluster: &str) -> Result<Option<Release>, StoreError> {
        Ok(self.last_release(app, cluster).await?)
    }
}

#[async_trait]
impl SecretRecords for Store {
    async fn put(
        &self,
        project: &str,
        name: &str,
        value: &Secret,
    ) -> Result<SecretRecord, StoreError> {
        Ok(self.put_secret(project, name, value).await?)
    }

    async fn list(&self, project: &str) -> Result<Vec<SecretRecord>, StoreError> {
        Ok(self.secrets(project).await?)
    }

    async fn delete(&self, project: &str, name: &str) -> Result<bool, StoreError> {
        Ok(self.delete_secret(project, name).await?)
    }
}
