//! Last words of failing pods, read before anything is undone.

use crate::{
    client::{Client, limited},
    snapshot::Seen,
};
use k8s_openapi::api::{
    apps::v1::{Deployment, ReplicaSet},
    core::v1::{Event, Pod},
};
use kube::api::{ListParams, LogParams};
use windlass_core::job::Release;

/// Pods that are quoted.
const PODS: usize = 2;
/// Lines of each log.
const LINES: i64 = 25;
/// Bytes of each log.
const BYTES: i64 = 64 << 10;

pub(crate) async fn collect(client: &Client, release: &Release) -> Vec<String> {
    let namespace = release.app.namespace();
    let labels = format!("app.kubernetes.io/instance={}", release.app.name);
    let ours = ListParams::default().labels(&labels);
    let warnings = ListParams::default().fields("type=Warning");
    let (deployments, sets, pods, events) = (
        client.api::<Deployment>(&namespace),
        client.api::<ReplicaSet>(&namespace),
        client.api::<Pod>(&namespace),
        client.api::<Event>(&namespace),
    );
    let seen = Seen {
        deployment: limited(deployments.get_opt(&release.app.name), "deployment")
            .await
            .ok()
            .flatten(),
        replica_sets: limited(sets.list(&ours), "replica sets")
            .await
            .map(|l| l.items)
            .unwrap_or_default(),
        pods: limited(pods.list(&ours), "pods").await.map(|list| list.items).unwrap_or_default(),
        events: limited(events.list(&warnings), "events")
            .await
            .map(|l| l.items)
            .unwrap_or_default(),
    };
    let mut lines = Vec::new();
    for pod in seen.new_pods().into_iter().take(PODS) {
        let Some(name) = &pod.metadata.name else { continue };
        for line in log(client, &namespace, name).await {
            lines.push(format!("{name}: {line}"));
        }
    }
    let mut told = Vec::new();
    for warning in seen.snapshot().warnings.iter().rev() {
        let line = format!("event: {}: {}", warning.reason, warning.message);
        // The bed's, and many a private cluster's, pods have no DNS and say so each time.
        if warning.reason != "MissingClusterDNS" && !told.contains(&line) && told.len() < 8 {
            told.push(line);
        }
    }
    lines.extend(told.into_iter().rev());
    lines
}

/// Of the run before, which is the one that failed; else of the one that is there.
async fn log(client: &Client, namespace: &str, pod: &str) -> Vec<String> {
    let pods = client.api::<Pod>(namespace);
    for previous in [true, false] {
        let params = LogParams {
            previous,
            tail_lines: Some(LINES),
            limit_bytes: Some(BYTES),
            ..LogParams::default()
        };
        let text = limited(pods.logs(pod, &params), "log").await.unwrap_or_default();
        // The kubelet says so with a 200, where a log is gone already or not there yet.
        let lines =
            text.lines().filter(|line| !line.starts_with("unable to retrieve container logs"));
        let lines: Vec<_> = lines.map(|line| line.trim_end().to_owned()).collect();
        if lines.iter().any(|line| !line.is_empty()) {
            return lines;
        }
    }
    Vec::new()
}
