//! The service `Clusters`: clusters of projects' own. Kubeconfigs come in, and none goes out.

use crate::{auth::caller, errors, outgoing, serve::Handlers};
use tonic::{Request, Response, Status};
use windlass_model::{cluster::PodSecurity, secret::Secret};
use windlass_proto::v1::{self, clusters_server};
use windlass_service::PutClusterRequest;

#[tonic::async_trait]
impl clusters_server::Clusters for Handlers {
    async fn put(
        &self,
        request: Request<v1::PutClusterRequest>,
    ) -> Result<Response<v1::CheckedCluster>, Status> {
        let caller = caller(&request)?;
        let v1::PutClusterRequest {
            project,
            name,
            environments,
            pod_security,
            kubeconfig,
            unchecked,
        } = request.into_inner();
        let kubeconfig = Secret::new(kubeconfig);
        let pod_security = level(&pod_security)?;
        let request =
            PutClusterRequest { project, name, environments, pod_security, kubeconfig, unchecked };
        let put = self.0.put_cluster(&caller, request).await.map_err(errors::service)?;
        Ok(Response::new(outgoing::checked_cluster(put)))
    }

    async fn list(
        &self,
        request: Request<v1::ListClustersRequest>,
    ) -> Result<Response<v1::ListClustersResponse>, Status> {
        let caller = caller(&request)?;
        let records = self.0.list_own_clusters(&caller, &request.get_ref().project).await;
        let records = records.map_err(errors::service)?;
        let clusters = records.into_iter().map(outgoing::own_cluster).collect();
        Ok(Response::new(v1::ListClustersResponse { clusters }))
    }

    async fn history(
        &self,
        request: Request<v1::ClusterHistoryRequest>,
    ) -> Result<Response<v1::ClusterHistoryResponse>, Status> {
        let caller = caller(&request)?;
        let v1::ClusterHistoryRequest { project, name } = request.get_ref();
        let versions = self.0.cluster_history(&caller, project, name).await;
        let versions = versions.map_err(errors::service)?;
        let versions = versions.into_iter().map(outgoing::own_cluster).collect();
        Ok(Response::new(v1::ClusterHistoryResponse { versions }))
    }

    async fn test(
        &self,
        request: Request<v1::TestClusterRequest>,
    ) -> Result<Response<v1::CheckedCluster>, Status> {
        let caller = caller(&request)?;
        let v1::TestClusterRequest { project, name } = request.get_ref();
        let tested = self.0.test_cluster(&caller, project, name).await;
        Ok(Response::new(outgoing::checked_cluster(tested.map_err(errors::service)?)))
    }

    async fn delete(
        &self,
        request: Request<v1::DeleteClusterRequest>,
    ) -> Result<Response<v1::DeleteClusterResponse>, Status> {
        let caller = caller(&request)?;
        let v1::DeleteClusterRequest { project, name } = request.get_ref();
        let removed = self.0.remove_cluster(&caller, project, name).await;
        let removed = removed.map_err(errors::service)?;
        Ok(Response::new(outgoing::removed_cluster(removed)))
    }
}

/// Reads a level of Pod Security. The empty text means the default.
fn level(word: &str) -> Result<PodSecurity, Status> {
    if word.is_empty() {
        return Ok(PodSecurity::default());
    }
    PodSecurity::parse(word).ok_or_else(|| {
        let shown: String = word.chars().take(80).collect();
        let words = PodSecurity::ALL.map(PodSecurity::as_str).join(", ");
        errors::field("pod_security", &shown, &format!("must be one of: {words}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_one_of_four_words() {
        assert_eq!(level("").unwrap(), PodSecurity::Baseline);
        assert_eq!(level("restricted").unwrap(), PodSecurity::Restricted);
        let error = level("strict").unwrap_err();
        assert_eq!(
            error.message(),
            "pod_security: `strict` must be one of: off, privileged, baseline, restricted"
        );
    }
}
