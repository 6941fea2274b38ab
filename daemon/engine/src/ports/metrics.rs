//! Port of metrics: expressions are evaluated at the Prometheus of a cluster.

use async_trait::async_trait;
use windlass_model::error::MetricsError;

/// Prometheus servers of the operator's clusters.
#[async_trait]
pub trait Metrics: Send + Sync {
    /// Evaluates an expression at the Prometheus of a cluster. `None` means that it has no value (no series, NaN).
    async fn measure(&self, cluster: &str, expression: &str) -> Result<Option<f64>, MetricsError>;
    /// Returns whether a Prometheus is configured for a cluster.
    fn knows(&self, cluster: &str) -> bool;
}
