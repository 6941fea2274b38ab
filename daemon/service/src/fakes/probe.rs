//! Clusters that projects bring, with prepared answers.

use async_trait::async_trait;
use std::sync::Mutex;
use windlass_engine::ports::{ClusterProbe, KubeconfigError, ReadKubeconfig, ReviewedCluster};
use windlass_model::{error::ClusterError, own::cluster::OwnCluster, secret::Secret};

/// Probe that takes any kubeconfig that begins with `https://` as its server's address.
#[derive(Default)]
pub(crate) struct FakeProbe {
    missing: Mutex<Vec<String>>,
    is_away: Mutex<bool>,
    forgotten: Mutex<Vec<String>>,
}

impl FakeProbe {
    /// Lets all clusters from now on lack what this Role grants. The empty text means that they lack nothing.
    pub(crate) fn lacks(&self, role: &str) {
        let role = (!role.is_empty()).then(|| role.to_owned());
        *self.missing.lock().unwrap() = role.into_iter().collect();
    }

    /// Lets no cluster answer.
    pub(crate) fn goes_away(&self) {
        *self.is_away.lock().unwrap() = true;
    }

    /// Returns the clusters whose connections were dropped, as `project/name`.
    pub(crate) fn forgotten(&self) -> Vec<String> {
        self.forgotten.lock().unwrap().clone()
    }
}

#[async_trait]
impl ClusterProbe for FakeProbe {
    fn read(&self, kubeconfig: &Secret) -> Result<ReadKubeconfig, KubeconfigError> {
        let text = kubeconfig.reveal_text().unwrap();
        let mut words = text.split(' ');
        match words.next().filter(|server| server.starts_with("https://")) {
            Some(server) => Ok(ReadKubeconfig { server: server.into(), kept: kubeconfig.clone() }),
            None => Err(KubeconfigError {
                field: "kubeconfig.clusters[0].cluster.server".into(),
                problem: "is not https".into(),
            }),
        }
    }

    fn forget(&self, project: &str, name: Option<&str>) {
        self.forgotten.lock().unwrap().push(format!("{project}/{}", name.unwrap_or("*")));
    }

    async fn review(
        &self,
        _: &str,
        _: &OwnCluster,
        _: &Secret,
    ) -> Result<ReviewedCluster, ClusterError> {
        if *self.is_away.lock().unwrap() {
            return Err(ClusterError::Unreachable { message: "connection refused".into() });
        }
        let missing = self.missing.lock().unwrap().clone();
        Ok(ReviewedCluster { version: "v1.35.0".into(), missing, unknown: Vec::new() })
    }
}
