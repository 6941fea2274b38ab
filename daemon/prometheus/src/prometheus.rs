//! The adapter: the Prometheus of each cluster.

use crate::{server::Server, settings::PrometheusSettings};
use async_trait::async_trait;
use std::{collections::BTreeMap, time::Duration};
use windlass_engine::ports::Metrics;
use windlass_model::error::MetricsError;

/// Longest time of one measurement.
const LIMIT: Duration = Duration::from_secs(10);

/// Expression that has a value wherever Prometheus runs.
const PROBE: &str = "vector(1)";

/// Metrics of clusters, by the Prometheus of each.
pub struct Prometheus {
    /// By cluster. Clusters that projects bring are not among them.
    servers: BTreeMap<String, Server>,
}

impl Prometheus {
    /// Makes an adapter with the Prometheus of each cluster that has one. Nothing is sent yet.
    ///
    /// # Errors
    /// The cluster, and the fault of the file with certificate authorities.
    pub fn new(settings: BTreeMap<String, PrometheusSettings>) -> Result<Self, String> {
        Self::with_limit(settings, LIMIT)
    }

    fn with_limit(
        settings: BTreeMap<String, PrometheusSettings>,
        limit: Duration,
    ) -> Result<Self, String> {
        let mut servers = BTreeMap::new();
        for (cluster, settings) in settings {
            let server = Server::new(settings, limit);
            let server =
                server.map_err(|why| format!("cluster {cluster}: prometheus.ca: {why}"))?;
            servers.insert(cluster, server);
        }
        Ok(Self { servers })
    }

    /// Asks the Prometheus of a cluster for a number that each has.
    ///
    /// # Errors
    /// The reason why no measurement would have a value.
    pub async fn check(&self, cluster: &str) -> Result<(), MetricsError> {
        match self.measure(cluster, PROBE).await? {
            Some(_) => Ok(()),
            None => Err(MetricsError::Refused {
                message: format!(
                    "`{PROBE}` has no value of the last five minutes: see that its clock is that of this machine"
                ),
            }),
        }
    }
}

#[async_trait]
impl Metrics for Prometheus {
    async fn measure(&self, cluster: &str, expression: &str) -> Result<Option<f64>, MetricsError> {
        let Some(server) = self.servers.get(cluster) else {
            return Err(MetricsError::NotConfigured { cluster: cluster.to_owned() });
        };
        server.evaluate(expression).await
    }

    fn knows(&self, cluster: &str) -> bool {
        self.servers.contains_key(cluster)
    }
}

#[cfg(test)]
mod tests;
