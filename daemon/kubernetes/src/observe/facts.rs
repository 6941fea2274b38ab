//! Single facts of objects, as snapshots and waits need them.

use k8s_openapi::{
    Metadata,
    api::core::v1::{Event, Pod as K8sPod},
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
    jiff::Timestamp,
};

/// Prefix that client-go puts before the message of similar events that it counts as one.
const COMBINED: &str = "(combined from similar events): ";

/// The label of a Job's pods (`JobNameLabel` of `k8s.io/api/batch/v1`).
const JOB_NAME: &str = "batch.kubernetes.io/job-name";

/// Returns whether a Job made a pod.
pub(super) fn is_of_job(pod: &K8sPod, name: &str) -> bool {
    let labels = pod.metadata.labels.as_ref();
    labels.and_then(|labels| labels.get(JOB_NAME)).is_some_and(|job| job == name)
}

/// Returns a pod's `nodeSelector` as a label selector.
pub(super) fn selector_of(pod: &K8sPod) -> String {
    let selector = pod.spec.as_ref().and_then(|spec| spec.node_selector.as_ref());
    let pairs = selector.into_iter().flatten().map(|(key, value)| format!("{key}={value}"));
    pairs.collect::<Vec<_>>().join(",")
}

/// Returns whether a pod has the condition `Ready`.
pub(crate) fn is_ready(pod: &K8sPod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_deref());
    let mut conditions = conditions.unwrap_or_default().iter();
    conditions.any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

/// Finds an object by its name.
pub(super) fn named<'a, K: Metadata<Ty = ObjectMeta>>(all: &'a [K], name: &str) -> Option<&'a K> {
    all.iter().find(|one| one.metadata().name.as_deref() == Some(name))
}

/// Returns a count of the API. `None` is 0.
pub(super) fn number(count: Option<i32>) -> u32 {
    u32::try_from(count.unwrap_or_default()).unwrap_or_default()
}

/// Returns an annotation. Empty means that there is none.
pub(super) fn annotation(of: &ObjectMeta, key: &str) -> String {
    of.annotations.as_ref().and_then(|all| all.get(key)).cloned().unwrap_or_default()
}

/// Returns the time of the last apply that changed an object, by the API server's clock.
pub(super) fn applied(of: &ObjectMeta) -> Option<Timestamp> {
    let changes = of.managed_fields.iter().flatten();
    let applied = changes.filter(|one| one.operation.as_deref() == Some("Apply"));
    applied.filter_map(|one| one.time.as_ref().map(|time| time.0)).max()
}

/// Returns an event's message as its source wrote it.
pub(super) fn message(event: &Event) -> String {
    let message = event.message.as_deref().unwrap_or_default();
    message.strip_prefix(COMBINED).unwrap_or(message).to_owned()
}
