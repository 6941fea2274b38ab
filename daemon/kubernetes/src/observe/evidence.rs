//! Last words of failing pods, read before anything is undone.

use super::{facts::is_ready, list::list, seen::Seen};
use crate::client::{Client, limited};
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::api::LogParams;
use windlass_model::job::Release;

/// Pods that are quoted.
const PODS: usize = 2;
/// Lines of each log.
const LINES: i64 = 25;
/// Bytes of each log.
const BYTES: i64 = 64 << 10;

/// Quotes the pods of a release, as they are now.
pub(crate) async fn collect(client: &Client, release: &Release) -> Vec<String> {
    let seen = list(client, release).await;
    quoted(client, &release.app.namespace(), &seen).await
}

/// Logs of pods that are seen, and warnings about them.
pub(crate) async fn quoted(client: &Client, namespace: &str, seen: &Seen) -> Vec<String> {
    let mut lines = Vec::new();
    // Those that are not well have more to say.
    let mut pods = seen.new_pods();
    pods.sort_by_key(|(pod, _)| is_ready(pod));
    let pods: Vec<_> = seen.pods_of_jobs().chain(pods.into_iter().map(|(pod, _)| pod)).collect();
    for pod in pods.into_iter().take(PODS) {
        let Some(name) = &pod.metadata.name else { continue };
        for container in to_quote(pod) {
            for line in log(client, namespace, name, &container).await {
                lines.push(format!("{name}: {line}"));
            }
        }
    }
    let mut told = Vec::new();
    for warning in seen.snapshot().warnings.iter().rev() {
        let line = format!("event: {}: {}", warning.reason, warning.message);
        // The kubelet warns of each pod so, where no DNS of the cluster is named to it.
        if warning.reason != "MissingClusterDNS" && !told.contains(&line) && told.len() < 8 {
            told.push(line);
        }
    }
    lines.extend(told.into_iter().rev());
    lines
}

/// The containers of a pod that ended badly, those of init first; else the first of all. A log is asked
/// for by its container: of several the API server refuses to choose.
fn to_quote(pod: &Pod) -> Vec<String> {
    let Some(status) = pod.status.as_ref() else { return Vec::new() };
    let of = |all: &Option<Vec<ContainerStatus>>| all.clone().unwrap_or_default();
    let mut all = of(&status.init_container_statuses);
    all.extend(of(&status.container_statuses));
    let failed = |one: &&ContainerStatus| {
        [&one.state, &one.last_state]
            .into_iter()
            .flatten()
            .any(|state| state.terminated.as_ref().is_some_and(|ended| ended.exit_code != 0))
    };
    let names: Vec<_> = all.iter().filter(failed).map(|one| one.name.clone()).collect();
    match (names.is_empty(), pod.spec.as_ref().and_then(|spec| spec.containers.first())) {
        (true, Some(first)) => vec![first.name.clone()],
        _ => names,
    }
}

/// Of the run before, which is the one that failed; else of the one that is there.
async fn log(client: &Client, namespace: &str, pod: &str, container: &str) -> Vec<String> {
    let pods = client.api::<Pod>(namespace);
    for previous in [true, false] {
        let params = LogParams {
            previous,
            container: Some(container.to_owned()),
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
