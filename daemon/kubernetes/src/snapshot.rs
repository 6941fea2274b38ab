//! From the cluster's objects to what the judge reads. Pure.

use crate::render::JOB;
use k8s_openapi::{
    api::{
        apps::v1::{Deployment, ReplicaSet, ReplicaSetCondition},
        core::v1::{ContainerStatus, Event, Pod as K8sPod},
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use std::collections::BTreeMap;
use windlass_core::rollout::{Container, Pod, Snapshot, Terminated, Warning};

const REVISION: &str = "deployment.kubernetes.io/revision";
const HASH: &str = "pod-template-hash";

/// Everything that the watches show of one app.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) deployment: Option<Deployment>,
    pub(crate) replica_sets: Vec<ReplicaSet>,
    pub(crate) pods: Vec<K8sPod>,
    pub(crate) events: Vec<Event>,
}

impl Seen {
    pub(crate) fn snapshot(&self) -> Snapshot {
        let Some(deployment) = &self.deployment else { return Snapshot::default() };
        let (metadata, status) = (&deployment.metadata, deployment.status.as_ref());
        let annotation = |key: &str| metadata.annotations.as_ref().and_then(|all| all.get(key));
        let number =
            |count: Option<i32>| u32::try_from(count.unwrap_or_default()).unwrap_or_default();
        let conditions = status.and_then(|status| status.conditions.as_deref()).unwrap_or_default();
        let condition = |kind: &str| conditions.iter().find(|condition| condition.type_ == kind);
        let is_true = |kind| condition(kind).is_some_and(|condition| condition.status == "True");
        let pods = self.new_pods();
        let warnings = self.warnings(&pods);
        let ready = pods.iter().filter(|pod| is_ready(pod)).count();
        Snapshot {
            revision: annotation(JOB).cloned().unwrap_or_default(),
            observed: status.and_then(|status| status.observed_generation) >= metadata.generation,
            wanted: number(deployment.spec.as_ref().and_then(|spec| spec.replicas)),
            total: number(status.and_then(|status| status.replicas)),
            updated: number(status.and_then(|status| status.updated_replicas)),
            ready: u32::try_from(ready).unwrap_or_default(),
            available: number(status.and_then(|status| status.available_replicas)),
            is_available: is_true("Available"),
            progressing: condition("Progressing").map(|condition| {
                let text = |text: &Option<String>| text.clone().unwrap_or_default();
                (text(&condition.reason), text(&condition.message))
            }),
            replica_failure: self.new_set().and_then(failure),
            pods: pods.iter().map(|pod| read(pod)).collect(),
            warnings,
        }
    }

    /// The ReplicaSet that the Deployment's controller made, or took up again, last.
    fn new_set(&self) -> Option<&ReplicaSet> {
        let revision =
            |of: &ObjectMeta| of.annotations.as_ref().and_then(|all| all.get(REVISION)).cloned();
        let newest = revision(&self.deployment.as_ref()?.metadata)?;
        self.replica_sets.iter().find(|set| revision(&set.metadata).as_ref() == Some(&newest))
    }

    /// Its pods.
    pub(crate) fn new_pods(&self) -> Vec<&K8sPod> {
        let label = |labels: &Option<BTreeMap<String, String>>| {
            labels.as_ref().and_then(|all| all.get(HASH)).cloned()
        };
        let Some(hash) = self.new_set().and_then(|set| label(&set.metadata.labels)) else {
            return Vec::new();
        };
        let of_set = |pod: &&K8sPod| {
            label(&pod.metadata.labels).as_ref() == Some(&hash)
                && pod.metadata.deletion_timestamp.is_none()
        };
        self.pods.iter().filter(of_set).collect()
    }

    fn warnings(&self, pods: &[&K8sPod]) -> Vec<Warning> {
        let mut events: Vec<_> = self
            .events
            .iter()
            .filter(|event| {
                let uid = event.involved_object.uid.as_ref();
                uid.is_some() && pods.iter().any(|pod| pod.metadata.uid.as_ref() == uid)
            })
            .collect();
        events.sort_by_key(|event| event.last_timestamp.as_ref().map(|time| time.0));
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let warning = |event: &&Event| Warning {
            pod: text(&event.involved_object.name),
            reason: text(&event.reason),
            message: text(&event.message),
            count: u32::try_from(event.count.unwrap_or(1)).unwrap_or_default(),
        };
        events.iter().map(warning).collect()
    }
}

/// Why it cannot make pods. Not the Deployment's own condition: that tells of any ReplicaSet, also
/// of the one that a way back has left behind.
fn failure(set: &ReplicaSet) -> Option<String> {
    let conditions = set.status.as_ref()?.conditions.as_ref()?;
    let failing = |condition: &&ReplicaSetCondition| {
        condition.type_ == "ReplicaFailure" && condition.status == "True"
    };
    conditions.iter().find(failing)?.message.clone()
}

pub(crate) fn is_ready(pod: &K8sPod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_deref());
    let mut conditions = conditions.unwrap_or_default().iter();
    conditions.any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

fn read(pod: &K8sPod) -> Pod {
    let status = pod.status.as_ref();
    let conditions = status.and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    let unschedulable = conditions
        .iter()
        .find(|c| c.type_ == "PodScheduled" && c.reason.as_deref() == Some("Unschedulable"))
        .and_then(|condition| condition.message.clone());
    let containers = status
        .map(|status| [&status.init_container_statuses, &status.container_statuses])
        .into_iter()
        .flatten()
        .flatten()
        .flatten()
        .map(container)
        .collect();
    Pod { name: pod.metadata.name.clone().unwrap_or_default(), unschedulable, containers }
}

fn container(status: &ContainerStatus) -> Container {
    let ended = |state: Option<&k8s_openapi::api::core::v1::ContainerState>| {
        state.and_then(|state| state.terminated.as_ref()).map(|ended| Terminated {
            reason: ended.reason.clone().unwrap_or_default(),
            exit: ended.exit_code,
            message: ended.message.clone().unwrap_or_default(),
        })
    };
    let waiting = status.state.as_ref().and_then(|state| state.waiting.as_ref());
    Container {
        restarts: u32::try_from(status.restart_count).unwrap_or_default(),
        waiting: waiting.map(|waiting| {
            let text = |text: &Option<String>| text.clone().unwrap_or_default();
            (text(&waiting.reason), text(&waiting.message))
        }),
        terminated: ended(status.state.as_ref()),
        last: ended(status.last_state.as_ref()),
    }
}
