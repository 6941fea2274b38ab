//! The builder as people look at it: whether it answers, and its version.

use crate::builder::BuildKit;
use async_trait::async_trait;
use bollard_buildkit_proto::moby::buildkit::v1::{
    ListWorkersRequest, control_client::ControlClient, types::WorkerRecord,
};
use std::time::Duration;
use tokio::time::timeout;
use windlass_engine::ports::InspectBuilder;
use windlass_model::error::BuildError;

/// Time in which a builder lists its workers.
const WITHIN: Duration = Duration::from_secs(5);

impl BuildKit {
    /// Checks that the builder answers and has a worker.
    ///
    /// # Errors
    /// Returns [`BuildError::Unreachable`] when it does not.
    pub async fn check(&self) -> Result<(), BuildError> {
        self.worker().await.map(|_| ())
    }

    /// Returns the first worker of the builder.
    async fn worker(&self) -> Result<WorkerRecord, BuildError> {
        let channel = self.connect().await?;
        let mut client = ControlClient::new(channel);
        match timeout(WITHIN, client.list_workers(ListWorkersRequest::default())).await {
            Ok(Ok(response)) => {
                let first = response.into_inner().record.into_iter().next();
                first.ok_or_else(|| self.unreachable("it has no worker"))
            }
            Ok(Err(status)) => Err(self.unreachable(status.message())),
            Err(_) => Err(self.unreachable(&format!("no answer within {} s", WITHIN.as_secs()))),
        }
    }
}

#[async_trait]
impl InspectBuilder for BuildKit {
    fn address(&self) -> String {
        self.configured().to_string()
    }

    async fn version(&self) -> Result<String, BuildError> {
        let version = self.worker().await?.buildkit_version;
        Ok(version.map(|version| version.version).unwrap_or_default())
    }
}
