//! Messages of clusters of projects' own. No kubeconfig has a field.

use super::time::timestamp;
use windlass_engine::ports::store::OwnClusterRecord;
use windlass_proto::v1;
use windlass_service::CheckedCluster;

/// Returns the message for a cluster.
pub(crate) fn own_cluster(record: OwnClusterRecord) -> v1::OwnCluster {
    let cluster = record.cluster.unwrap_or_default();
    v1::OwnCluster {
        project: record.project,
        name: record.name,
        version: record.version,
        environments: cluster.environments,
        pod_security: cluster.pod_security.as_str().into(),
        server: cluster.server,
        by: record.by,
        at: Some(timestamp(record.at_ms)),
    }
}

/// Returns the message for a cluster that was looked at.
pub(crate) fn checked_cluster(checked: CheckedCluster) -> v1::CheckedCluster {
    let CheckedCluster { record, version, missing, warnings } = checked;
    v1::CheckedCluster {
        cluster: Some(own_cluster(record)),
        kubernetes: version,
        missing_roles: missing,
        warnings,
    }
}
