//! Messages of clusters of projects' own. No kubeconfig has a field.

use super::{app::app, time::timestamp};
use windlass_engine::ports::store::OwnClusterRecord;
use windlass_model::app::App;
use windlass_proto::v1;
use windlass_service::{CheckedCluster, RemovedCluster};

/// Returns the message for a version of a cluster.
pub(crate) fn own_cluster(record: OwnClusterRecord) -> v1::OwnCluster {
    let OwnClusterRecord { project, name, version, cluster, by, at_ms } = record;
    let at = Some(timestamp(at_ms));
    let Some(cluster) = cluster else {
        let removed = true;
        return v1::OwnCluster {
            project,
            name,
            version,
            by,
            at,
            removed,
            ..v1::OwnCluster::default()
        };
    };
    v1::OwnCluster {
        project,
        name,
        version,
        environments: cluster.environments,
        pod_security: cluster.pod_security.as_str().into(),
        server: cluster.server,
        by,
        at,
        removed: false,
    }
}

/// Returns the message for a cluster that was removed.
pub(crate) fn removed_cluster(removed: RemovedCluster) -> v1::DeleteClusterResponse {
    let RemovedCluster { apps, jobs } = removed;
    let job = |(id, of): (String, App)| v1::ClusterJob { id, app: Some(app(&of)) };
    v1::DeleteClusterResponse {
        apps: apps.iter().map(app).collect(),
        jobs: jobs.into_iter().map(job).collect(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_model::own::cluster::OwnCluster;

    #[test]
    fn a_removal_shows_nothing_of_the_cluster_before() {
        let record = |cluster: Option<OwnCluster>| OwnClusterRecord {
            project: "shop".into(),
            name: "us".into(),
            version: 2,
            cluster,
            by: "ann".into(),
            at_ms: 1000,
        };
        let shown = own_cluster(record(None));
        assert!(shown.removed && shown.server.is_empty() && shown.pod_security.is_empty());
        assert_eq!((shown.version, &*shown.by), (2, "ann"));
        let shown = own_cluster(record(Some(OwnCluster::default())));
        assert!(!shown.removed && !shown.pod_security.is_empty());
    }
}
