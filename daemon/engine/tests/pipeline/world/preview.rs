//! Fake of what is known of a new version beside the old one: its answers, and its metrics.

use super::fault::{Fault, Faults};
use async_trait::async_trait;
use std::{future::pending, sync::Mutex};
use windlass_engine::ports::{Metrics, WebAnswer, WebCheck};
use windlass_model::{
    error::{ClusterError, MetricsError},
    job::Release,
};

/// Preview address and Prometheus of all clusters.
pub(crate) struct FakePreview {
    faults: Faults,
    /// Expressions that were measured, with their clusters.
    measured: Mutex<Vec<(String, String)>>,
}

impl FakePreview {
    pub(super) fn new(faults: &Faults) -> Self {
        Self { faults: faults.clone(), measured: Mutex::default() }
    }

    /// Returns the expressions that were measured, each with its cluster.
    pub(crate) fn measured(&self) -> Vec<(String, String)> {
        self.measured.lock().unwrap().clone()
    }
}

#[async_trait]
impl WebCheck for FakePreview {
    async fn ask(&self, release: &Release, _: &str) -> Result<WebAnswer, ClusterError> {
        assert!(release.runtime.aside.is_some(), "only a version beside another is asked");
        if self.faults.call() {
            return Err(ClusterError::Unreachable { message: "refused".into() });
        }
        Ok(WebAnswer { status: self.faults.status(), body: "the database\nis hunter22".into() })
    }
}

#[async_trait]
impl Metrics for FakePreview {
    async fn measure(&self, cluster: &str, expression: &str) -> Result<Option<f64>, MetricsError> {
        if self.faults.call() {
            let address = "http://prometheus".into();
            return Err(MetricsError::Unreachable { address, message: "refused".into() });
        }
        if self.faults.has(&Fault::PrometheusHangs) {
            pending::<()>().await;
        }
        let time = self.faults.measuring_time();
        if !time.is_zero() {
            tokio::time::sleep(time).await;
        }
        self.measured.lock().unwrap().push((cluster.into(), expression.into()));
        Ok(self.faults.measured().map(f64::from))
    }

    fn knows(&self, cluster: &str) -> bool {
        !self.faults.has_in(cluster, &Fault::NoPrometheus)
    }
}
