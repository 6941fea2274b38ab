//! The pretend cluster, as people look at it.

use crate::world::World;
use async_trait::async_trait;
use tokio::sync::mpsc;
use windlass_engine::ports::{Inspect, LogLine, LogRequest};
use windlass_model::{app::App, endpoint::Endpoint, error::ClusterError, job::Release};
use windlass_rollout::snapshot::Snapshot;

#[async_trait]
impl Inspect for World {
    async fn endpoints(&self, release: &Release) -> Result<Vec<Endpoint>, ClusterError> {
        Ok(vec![Endpoint::of_service(release, "10.0.0.7", true)])
    }

    async fn look(&self, _: &Release) -> Result<Snapshot, ClusterError> {
        Ok(Snapshot::default())
    }

    async fn logs(
        &self,
        _: &App,
        _: &str,
        _: &LogRequest,
    ) -> Result<mpsc::Receiver<LogLine>, ClusterError> {
        Ok(mpsc::channel(1).1)
    }
}
