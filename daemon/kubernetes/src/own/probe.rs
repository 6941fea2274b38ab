//! The look at a cluster that a project brings.

use super::{connections::OwnConnections, kubeconfig};
use crate::client::{Client, Rights, check_own_server};
use async_trait::async_trait;
use std::sync::Arc;
use windlass_engine::ports::{ClusterProbe, KubeconfigError, ReadKubeconfig, ReviewedCluster};
use windlass_model::{
    error::ClusterError,
    own::cluster::{AllowedClusters, OwnCluster},
    secret::Secret,
};

/// Probe of clusters within the operator's limits.
pub struct OwnProbe {
    allowed: Arc<AllowedClusters>,
    /// Connections of jobs. `None` means that there are none to drop.
    connections: Option<Arc<OwnConnections>>,
}

impl OwnProbe {
    /// Takes the operator's limits.
    #[must_use]
    pub fn new(allowed: Arc<AllowedClusters>) -> Self {
        Self { allowed, connections: None }
    }

    /// Adds the connections of jobs, which are dropped with their clusters.
    #[must_use]
    pub fn with_connections(self, connections: Arc<OwnConnections>) -> Self {
        Self { connections: Some(connections), ..self }
    }
}

#[async_trait]
impl ClusterProbe for OwnProbe {
    fn read(&self, kubeconfig: &Secret) -> Result<ReadKubeconfig, KubeconfigError> {
        if self.allowed.is_closed() {
            let problem = "no project may bring a cluster: the operator allows hosts by `own-clusters.allow`, and has allowed none";
            return Err(KubeconfigError { field: "kubeconfig".into(), problem: problem.into() });
        }
        let read = kubeconfig::read(kubeconfig)?;
        if let Err(denied) = check_own_server(&read.server, &self.allowed) {
            let field = "kubeconfig.clusters.cluster.server".into();
            return Err(KubeconfigError { field, problem: denied.to_string() });
        }
        Ok(ReadKubeconfig { server: kubeconfig::address(&read.server), kept: read.sealed()? })
    }

    fn forget(&self, project: &str, name: Option<&str>) {
        if let Some(connections) = &self.connections {
            connections.forget(project, name);
        }
    }

    async fn review(
        &self,
        project: &str,
        cluster: &OwnCluster,
        kubeconfig: &Secret,
    ) -> Result<ReviewedCluster, ClusterError> {
        let not_trusted = |message: String| ClusterError::NotTrusted { message };
        let read = kubeconfig::read(kubeconfig).map_err(|error| not_trusted(error.to_string()))?;
        let client = Client::own(read.kubeconfig, &self.allowed).await;
        let client = client.map_err(|error| not_trusted(error.to_string()))?;
        let mut reviewed =
            ReviewedCluster { version: client.check().await?, ..ReviewedCluster::default() };
        for namespace in cluster.namespaces(project) {
            match client.review(&namespace).await? {
                Rights::Enough => {}
                Rights::Missing(role) => reviewed.missing.push(role),
                Rights::Unknown => reviewed.unknown.push(namespace),
            }
        }
        Ok(reviewed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(allow: &[&str], server: &str) -> Result<ReadKubeconfig, KubeconfigError> {
        let allow: Vec<_> = allow.iter().map(ToString::to_string).collect();
        let allowed = AllowedClusters::parse(&allow, &[]).unwrap();
        let text = format!(
            "clusters:\n- name: c\n  cluster: {{ server: \"{server}\" }}\nusers:\n- name: u\n  user: {{ token: t }}\n\
             contexts:\n- name: it\n  context: {{ cluster: c, user: u }}\n"
        );
        OwnProbe::new(Arc::new(allowed)).read(&Secret::new(text.into_bytes()))
    }

    #[test]
    fn a_server_is_taken_within_the_operators_limits() {
        let read_one = read(&["k8s.example"], "https://k8s.example:6443").unwrap();
        assert_eq!(read_one.server, "https://k8s.example:6443");
        for (allow, server, message) in [
            (&[][..], "https://k8s.example", "`own-clusters.allow`, and has allowed none"),
            (&["*.corp"][..], "https://k8s.example", "k8s.example is none of the operator's"),
            (&["*"], "https://10.0.0.1", "`own-clusters.private-addresses`"),
        ] {
            let error = read(allow, server).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
