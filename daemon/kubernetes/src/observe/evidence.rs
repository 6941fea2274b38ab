//! Logs of failing pods and warnings about them, read before anything is undone.

use super::{facts::is_ready, list::list, observed::Observed};
use crate::client::{Client, cut, limited};
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::api::LogParams;
use windlass_model::job::Release;

/// Pods whose logs are quoted.
const PODS: usize = 2;
/// Lines that are quoted of each log.
const LINES: i64 = 25;
/// Lines that are quoted of a log, at most: the answer to [`LINES`].
const MOST_LINES: usize = 25;
/// Bytes that are read of each log.
const BYTES: i64 = 64 << 10;
/// Containers of a pod whose logs are quoted.
const CONTAINERS: usize = 8;
/// Bytes of a line that is quoted.
const LONGEST_LINE: usize = 8 << 10;

/// Quotes the pods of a release as they are now.
pub(crate) async fn collect(client: &Client, release: &Release) -> Vec<String> {
    let observed = list(client, release).await;
    quoted(client, &release.app.namespace(), &observed).await
}

/// Quotes the logs of observed pods, and warnings about them.
pub(crate) async fn quoted(client: &Client, namespace: &str, observed: &Observed) -> Vec<String> {
    let mut lines = Vec::new();
    // Pods that are not ready come first: their logs explain more.
    let mut pods = observed.new_pods();
    pods.sort_by_key(|(pod, _)| is_ready(pod));
    let pods: Vec<_> =
        observed.pods_of_jobs().chain(pods.into_iter().map(|(pod, _)| pod)).collect();
    for pod in pods.into_iter().take(PODS) {
        let Some(name) = &pod.metadata.name else { continue };
        for container in to_quote(pod).into_iter().take(CONTAINERS) {
            for line in log(client, namespace, name, &container).await {
                lines.push(format!("{name}: {line}"));
            }
        }
    }
    let mut warnings = Vec::new();
    for warning in observed.snapshot().warnings.iter().rev() {
        let line = format!("event: {}: {}", warning.reason, warning.message);
        let line = cut(line, LONGEST_LINE);
        // The kubelet warns of each pod like this, where its configuration names no cluster DNS.
        if warning.reason != "MissingClusterDNS" && !warnings.contains(&line) && warnings.len() < 8
        {
            warnings.push(line);
        }
    }
    lines.extend(warnings.into_iter().rev());
    lines
}

/// Returns the containers of a pod that failed, init containers first, or the pod's first container where none
/// did. Each log is requested by container, since the API server refuses to choose one of several.
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

/// Reads the log of a container's previous run, which is the one that failed, or of the current run where there
/// is none before.
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
        let lines = text.lines().filter(|line| !is_kubelets(line, namespace, pod));
        // As many as were asked for, whatever the server sends.
        let mut lines: Vec<_> =
            lines.map(|line| cut(line.trim_end().to_owned(), LONGEST_LINE)).collect();
        lines.drain(..lines.len().saturating_sub(MOST_LINES));
        if lines.iter().any(|line| !line.is_empty()) {
            return lines;
        }
    }
    Vec::new()
}

/// Returns whether a line is the kubelet's own. With a 200 it answers that a log is deleted already or not there yet, or that
/// it cannot open the log's file, whose path has the pod's name.
fn is_kubelets(line: &str, namespace: &str, pod: &str) -> bool {
    line.starts_with("unable to retrieve container logs")
        || line.starts_with("failed to ") && line.contains(&format!("/{namespace}_{pod}_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_of_the_kubelet_is_no_line_of_the_app() {
        let path = "/var/log/pods/shop--production_web-1_16b4/app/0.log";
        let lost = format!(
            "failed to try resolving symlinks in path \"{path}\": lstat {path}: no such file or directory"
        );
        for (line, is_its) in [
            (lost.as_str(), true),
            ("unable to retrieve container logs for containerd://4f", true),
            ("failed to open log file \"/app/log\": no such file or directory", false),
            ("no such queue", false),
        ] {
            assert_eq!(is_kubelets(line, "shop--production", "web-1"), is_its, "{line}");
        }
    }
}
