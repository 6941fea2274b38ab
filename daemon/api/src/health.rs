//! Health of the daemon, as load balancers and Kubernetes' probes of gRPC ask for it.

use tonic::server::NamedService;
use tonic_health::{
    ServingStatus,
    pb::health_server::HealthServer,
    server::{HealthReporter, HealthService},
};
use windlass_proto::v1::jobs_server::JobsServer;

/// Health that both listeners report.
#[derive(Clone)]
pub struct Health(HealthReporter);

impl Health {
    /// Makes a daemon that serves.
    pub async fn serving() -> Self {
        let health = Self(HealthReporter::new());
        health.report(ServingStatus::Serving).await;
        health
    }

    /// Reports from now on that the daemon ends: a load balancer sends its clients elsewhere.
    pub async fn end(&self) {
        self.report(ServingStatus::NotServing).await;
    }

    async fn report(&self, status: ServingStatus) {
        // Without a name, the whole daemon is meant.
        for name in ["", JobsServer::<()>::NAME] {
            self.0.set_service_status(name, status).await;
        }
    }

    pub(crate) fn service(&self) -> HealthServer<HealthService> {
        HealthServer::new(HealthService::from_health_reporter(self.0.clone()))
    }
}
