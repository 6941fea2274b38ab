//! From the cluster's objects to what the judge reads. Pure.

use crate::render::JOB;
use k8s_openapi::{
    Metadata,
    api::{
        apps::v1::{DaemonSet, Deployment, DeploymentCondition, ReplicaSet, StatefulSet},
        autoscaling::v2::HorizontalPodAutoscaler,
        batch::v1::Job,
        core::v1::{Event, Pod as K8sPod, Service as K8sService},
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
    jiff::Timestamp,
};
use kube::api::DynamicObject;
use std::collections::BTreeMap;
use windlass_rollout::snapshot::{Autoscaler, Route, Service, Snapshot, Warning, Workload};

mod order;
mod pod;
mod refused;

use pod::{is_of_job, read};
pub(crate) use pod::{is_ready, selector_of};

const REVISION: &str = "deployment.kubernetes.io/revision";
const HASH: &str = "pod-template-hash";
const CONTROLLER_HASH: &str = "controller-revision-hash";
/// A DaemonSet's status does not tell the hash of its newest pods: its template's number, on the set
/// (`DeprecatedTemplateGeneration` of `k8s.io/api/apps/v1`) and on its pods, does.
const TEMPLATE: &str = "deprecated.daemonset.template.generation";
const GENERATION: &str = "pod-template-generation";
/// The API server's default of `progressDeadlineSeconds`.
const DEADLINE: i32 = 600;
/// Seconds by which the clocks of the API server and of its controllers may differ.
const SKEW: i64 = 10;
/// Prefix of the message of events that client-go counts as one, since they differ in few words.
const COMBINED: &str = "(combined from similar events): ";

/// A workload that a release has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) kind: String,
    pub(crate) name: String,
    /// Empty for objects of the repository's own.
    pub(crate) process: String,
}

/// Everything that the watches show of one app.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) expected: Vec<Expected>,
    pub(crate) deployments: Vec<Deployment>,
    pub(crate) stateful_sets: Vec<StatefulSet>,
    pub(crate) daemon_sets: Vec<DaemonSet>,
    pub(crate) jobs: Vec<Job>,
    pub(crate) replica_sets: Vec<ReplicaSet>,
    pub(crate) pods: Vec<K8sPod>,
    pub(crate) events: Vec<Event>,
    pub(crate) routes: Vec<DynamicObject>,
    pub(crate) services: Vec<K8sService>,
    pub(crate) autoscalers: Vec<HorizontalPodAutoscaler>,
    /// Services that must lead somewhere.
    pub(crate) leading: Vec<String>,
    /// Ready addresses by Service, where they were looked for.
    pub(crate) endpoints: BTreeMap<String, u32>,
    /// Uids of pods for which an autoscaler adds a node: a StatefulSet's pods keep their names.
    pub(crate) scaling_up: Vec<String>,
    /// By node selector: whether some node has the labels, where that was asked.
    pub(crate) matching_nodes: BTreeMap<String, Option<bool>>,
}

impl Seen {
    pub(crate) fn snapshot(&self) -> Snapshot {
        let pods = self.new_pods();
        let read_pod = |(pod, workload): &(&K8sPod, String)| {
            let mut read = read(pod);
            read.workload.clone_from(workload);
            // Labels of a pod of the repository's own may say what they like.
            let expected = self.expected.iter().find(|one| one.name == *workload);
            read.process = expected.map(|one| one.process.clone()).unwrap_or_default();
            let uid = pod.metadata.uid.as_ref();
            read.is_scaling_up |= uid.is_some_and(|uid| self.scaling_up.contains(uid));
            read.has_matching_node = self.matching_nodes.get(&selector_of(pod)).copied().flatten();
            read
        };
        let workloads: Vec<_> = self.expected.iter().map(|one| self.workload(one, &pods)).collect();
        let mut warnings = self.warnings(&pods);
        // Where no pod can be made, this is all that is said.
        warnings.extend(workloads.iter().filter_map(refused::warning));
        let ends = |pod: &&K8sPod| pod.metadata.deletion_timestamp.is_some();
        Snapshot {
            workloads,
            pods: pods.iter().map(read_pod).collect(),
            warnings,
            ending: u32::try_from(self.pods.iter().filter(ends).count()).unwrap_or(u32::MAX),
            routes: self.routes.iter().map(route).collect(),
            services: self.services(),
            autoscalers: self.autoscalers.iter().map(autoscaler).collect(),
        }
    }

    fn workload(&self, expected: &Expected, pods: &[(&K8sPod, String)]) -> Workload {
        let mut found = match &*expected.kind {
            "Deployment" => {
                named(&self.deployments, &expected.name).map(|one| self.of_deployment(one))
            }
            "StatefulSet" => {
                named(&self.stateful_sets, &expected.name).map(|one| self.of_stateful_set(one))
            }
            "DaemonSet" => {
                named(&self.daemon_sets, &expected.name).map(|one| self.of_daemon_set(one))
            }
            _ => named(&self.jobs, &expected.name)
                .map(|job| Workload { refused: self.refusal_of_job(job), ..of_job(job) }),
        }
        .unwrap_or_default();
        found.kind.clone_from(&expected.kind);
        found.name.clone_from(&expected.name);
        found.process.clone_from(&expected.process);
        if found.kind != "Job" {
            let ready = pods.iter().filter(|(pod, owner)| *owner == expected.name && is_ready(pod));
            found.ready = u32::try_from(ready.count()).unwrap_or_default();
        }
        found
    }

    fn of_deployment(&self, deployment: &Deployment) -> Workload {
        let metadata = &deployment.metadata;
        let status = deployment.status.as_ref();
        let conditions = status.and_then(|status| status.conditions.as_deref()).unwrap_or_default();
        let condition = |kind: &str| conditions.iter().find(|condition| condition.type_ == kind);
        let progressing = condition("Progressing");
        let available = condition("Available").is_some_and(|one| one.status == "True");
        // Without a deadline (`HasProgressDeadline` of the controller) there is no such condition.
        let is_rolled_out =
            progressing.is_none_or(|one| one.reason.as_deref() == Some("NewReplicaSetAvailable"));
        let late = progressing.filter(|one| is_late(deployment, one));
        Workload {
            revision: annotation(metadata, JOB),
            observed: status.and_then(|status| status.observed_generation) >= metadata.generation,
            wanted: number(deployment.spec.as_ref().and_then(|spec| spec.replicas)),
            total: number(status.and_then(|status| status.replicas)),
            updated: number(status.and_then(|status| status.updated_replicas)),
            available: number(status.and_then(|status| status.available_replicas)),
            is_complete: available && is_rolled_out,
            failed: late.map(|one| {
                (one.reason.clone().unwrap_or_default(), one.message.clone().unwrap_or_default())
            }),
            refused: self.new_set(deployment).and_then(|set| self.refusal_of_set(set)),
            paused: deployment.spec.as_ref().and_then(|spec| spec.paused) == Some(true),
            ..Workload::default()
        }
    }

    fn of_stateful_set(&self, set: &StatefulSet) -> Workload {
        let metadata = &set.metadata;
        let status = set.status.as_ref();
        let wanted = number(set.spec.as_ref().and_then(|spec| spec.replicas));
        let strategy = set.spec.as_ref().and_then(|spec| spec.update_strategy.as_ref());
        let rolling = strategy.and_then(|one| one.rolling_update.as_ref());
        // Somebody else replaces these pods, when it suits them.
        let by_hand = match strategy.and_then(|one| one.type_.as_deref()) {
            Some("OnDelete") => wanted,
            _ => number(rolling.and_then(|one| one.partition)).min(wanted),
        };
        let updated = number(status.and_then(|status| status.updated_replicas));
        let updated = (updated + by_hand).min(wanted);
        let current = status.and_then(|status| status.current_revision.as_ref());
        let update = status.and_then(|status| status.update_revision.as_ref());
        let total = number(status.map(|status| status.replicas));
        Workload {
            revision: annotation(metadata, JOB),
            observed: status.and_then(|status| status.observed_generation) >= metadata.generation,
            wanted,
            total,
            updated,
            available: number(status.and_then(|status| status.available_replicas)),
            is_complete: current == update || updated >= wanted,
            refused: self.refusal(metadata).filter(|_| total < wanted),
            blocked: order::in_the_way(set, &self.pods).and_then(|pod| pod.metadata.name.clone()),
            ..Workload::default()
        }
    }

    /// Pods that the release's StatefulSets wait for in vain.
    pub(crate) fn blocked(&self) -> impl Iterator<Item = (&StatefulSet, &K8sPod)> {
        let sets = self.expected.iter().filter(|one| one.kind == "StatefulSet");
        let sets = sets.filter_map(move |one| named(&self.stateful_sets, &one.name));
        sets.filter_map(move |set| Some((set, order::in_the_way(set, &self.pods)?)))
    }

    /// As many pods as there are nodes for it.
    fn of_daemon_set(&self, set: &DaemonSet) -> Workload {
        let metadata = &set.metadata;
        let status = set.status.clone().unwrap_or_default();
        let wanted = number(Some(status.desired_number_scheduled));
        let updated = number(status.updated_number_scheduled);
        let total = number(Some(status.current_number_scheduled));
        let strategy = set.spec.as_ref().and_then(|spec| spec.update_strategy.as_ref());
        let by_hand = strategy.is_some_and(|one| one.type_.as_deref() == Some("OnDelete"));
        Workload {
            revision: annotation(metadata, JOB),
            observed: status.observed_generation >= metadata.generation,
            wanted,
            total,
            // Somebody else replaces the pods, when it suits them.
            updated: if by_hand { total.max(wanted) } else { updated },
            available: number(status.number_available),
            is_complete: by_hand || updated >= wanted,
            refused: self.refusal(metadata).filter(|_| total < wanted),
            ..Workload::default()
        }
    }

    /// The ReplicaSet that the Deployment's controller made, or took up again, last.
    fn new_set(&self, deployment: &Deployment) -> Option<&ReplicaSet> {
        let revision = |of: &ObjectMeta| of.annotations.as_ref()?.get(REVISION).cloned();
        let newest = revision(&deployment.metadata)?;
        let mut sets = self.replica_sets.iter();
        sets.find(|set| {
            let owners = set.metadata.owner_references.iter().flatten();
            let mut owners = owners.map(|owner| Some(&owner.uid));
            revision(&set.metadata).as_ref() == Some(&newest)
                && owners.any(|uid| uid == deployment.metadata.uid.as_ref())
        })
    }

    /// Pods of the newest revision, and the name of the workload that each is of.
    pub(crate) fn new_pods(&self) -> Vec<(&K8sPod, String)> {
        let mut found = Vec::new();
        for expected in &self.expected {
            let mut owner = None;
            let (key, hash) = match &*expected.kind {
                "Deployment" => {
                    let deployment = named(&self.deployments, &expected.name);
                    let set = deployment.and_then(|one| self.new_set(one));
                    let labels = set.and_then(|set| set.metadata.labels.as_ref());
                    (HASH, labels.and_then(|labels| labels.get(HASH)))
                }
                "StatefulSet" => {
                    let set = named(&self.stateful_sets, &expected.name);
                    let status = set.and_then(|set| set.status.as_ref());
                    (CONTROLLER_HASH, status.and_then(|status| status.update_revision.as_ref()))
                }
                "DaemonSet" => {
                    let set = named(&self.daemon_sets, &expected.name);
                    // Its generation alone is that of many others, too.
                    owner = set.and_then(|set| set.metadata.uid.clone());
                    let annotations = set.and_then(|set| set.metadata.annotations.as_ref());
                    (GENERATION, annotations.and_then(|all| all.get(TEMPLATE)))
                }
                _ => {
                    // One that has begun is the Job's to judge: it may try again.
                    let waits = |pod: &&K8sPod| {
                        let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
                        is_of_job(pod, &expected.name) && phase == Some("Pending")
                    };
                    let waiting = self.pods.iter().filter(waits);
                    found.extend(waiting.map(|pod| (pod, expected.name.clone())));
                    continue;
                }
            };
            let Some(hash) = hash else { continue };
            let of_it = |pod: &&K8sPod| {
                let mut owners = pod.metadata.owner_references.iter().flatten();
                if owner.as_ref().is_some_and(|uid| !owners.any(|one| one.uid == *uid)) {
                    return false;
                }
                let labels = pod.metadata.labels.as_ref();
                labels.and_then(|labels| labels.get(key)) == Some(hash)
                    && pod.metadata.deletion_timestamp.is_none()
                    && pod
                        .metadata
                        .name
                        .as_ref()
                        .is_some_and(|name| name.starts_with(&expected.name))
            };
            found.extend(self.pods.iter().filter(of_it).map(|pod| (pod, expected.name.clone())));
        }
        found
    }

    /// Pods of the release's Jobs that did not come to a good end.
    pub(crate) fn pods_of_jobs(&self) -> impl Iterator<Item = &K8sPod> {
        let names = self.expected.iter().filter(|one| one.kind == "Job");
        self.pods.iter().filter(move |pod| {
            let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
            phase != Some("Succeeded") && names.clone().any(|job| is_of_job(pod, &job.name))
        })
    }

    fn warnings(&self, pods: &[(&K8sPod, String)]) -> Vec<Warning> {
        let mut events: Vec<_> = self
            .events
            .iter()
            .filter(|event| {
                let uid = event.involved_object.uid.as_ref();
                uid.is_some() && pods.iter().any(|(pod, _)| pod.metadata.uid.as_ref() == uid)
            })
            .collect();
        events.sort_by_key(|event| event.last_timestamp.as_ref().map(|time| time.0));
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let warning = |event: &&Event| Warning {
            pod: text(&event.involved_object.name),
            reason: text(&event.reason),
            message: message(event),
            count: u32::try_from(event.count.unwrap_or(1)).unwrap_or_default(),
        };
        events.iter().map(warning).collect()
    }

    fn services(&self) -> Vec<Service> {
        let pending = |name: &str| {
            self.services.iter().any(|service| {
                let kind = service.spec.as_ref().and_then(|spec| spec.type_.as_deref());
                let balancer = service.status.as_ref().and_then(|one| one.load_balancer.as_ref());
                let addresses = balancer.and_then(|one| one.ingress.as_ref());
                service.metadata.name.as_deref() == Some(name)
                    && kind == Some("LoadBalancer")
                    && addresses.is_none_or(Vec::is_empty)
            })
        };
        let service = |name: &String| Service {
            endpoints: self.endpoints.get(name).copied(),
            is_pending: pending(name),
            name: name.clone(),
        };
        // What scales a workload to nothing leaves its Service without an address.
        let rests = |name: &&String| {
            let deployment = named(&self.deployments, name).and_then(|one| one.spec.as_ref());
            let set = named(&self.stateful_sets, name).and_then(|one| one.spec.as_ref());
            deployment.and_then(|spec| spec.replicas) == Some(0)
                || set.and_then(|spec| spec.replicas) == Some(0)
        };
        self.leading.iter().filter(|name| !rests(name)).map(service).collect()
    }
}

fn named<'a, K: Metadata<Ty = ObjectMeta>>(all: &'a [K], name: &str) -> Option<&'a K> {
    all.iter().find(|one| one.metadata().name.as_deref() == Some(name))
}

fn number(count: Option<i32>) -> u32 {
    u32::try_from(count.unwrap_or_default()).unwrap_or_default()
}

fn annotation(of: &ObjectMeta, key: &str) -> String {
    of.annotations.as_ref().and_then(|all| all.get(key)).cloned().unwrap_or_default()
}

/// Returns when somebody applied an object last and changed something of it, by the API server's clock.
fn applied(of: &ObjectMeta) -> Option<Timestamp> {
    let changes = of.managed_fields.iter().flatten();
    let applied = changes.filter(|one| one.operation.as_deref() == Some("Apply"));
    applied.filter_map(|one| one.time.as_ref().map(|time| time.0)).max()
}

/// Whether a Deployment's deadline has passed since it was applied last. Its controller keeps the
/// `ProgressDeadlineExceeded` of an earlier rollout until it sees progress, also for the same pods again
/// or a ReplicaSet that it takes up again (`syncRolloutStatus` of pkg/controller/deployment). Until then
/// it counts from that rollout's beginning.
fn is_late(deployment: &Deployment, progressing: &DeploymentCondition) -> bool {
    if progressing.reason.as_deref() != Some("ProgressDeadlineExceeded") {
        return false;
    }
    let since = progressing.last_update_time.as_ref().or(progressing.last_transition_time.as_ref());
    let (Some(applied), Some(since)) = (applied(&deployment.metadata), since) else {
        // The rollout's own time decides.
        return false;
    };
    let deadline = deployment.spec.as_ref().and_then(|spec| spec.progress_deadline_seconds);
    let least = i64::from(deadline.unwrap_or(DEADLINE)) - SKEW;
    since.0.as_second() >= applied.as_second().saturating_add(least.max(0))
}

/// Returns an event's message as its source wrote it.
fn message(event: &Event) -> String {
    let message = event.message.as_deref().unwrap_or_default();
    message.strip_prefix(COMBINED).unwrap_or(message).to_owned()
}

fn of_job(job: &Job) -> Workload {
    let status = job.status.as_ref();
    let conditions = status.and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    let is = |kinds: &[&str]| {
        let mut all = conditions.iter().filter(|condition| condition.status == "True");
        all.find(|condition| kinds.contains(&&*condition.type_))
    };
    Workload {
        revision: annotation(&job.metadata, JOB),
        observed: true,
        wanted: 1,
        ready: number(status.and_then(|status| status.succeeded)),
        is_complete: is(&["Complete"]).is_some(),
        failed: is(&["Failed", "FailureTarget"]).map(|failed| {
            let text = |text: &Option<String>| text.clone().unwrap_or_default();
            (text(&failed.reason), text(&failed.message))
        }),
        paused: job.spec.as_ref().and_then(|spec| spec.suspend) == Some(true),
        ..Workload::default()
    }
}

/// Each gateway that is named must have taken the route as it is now.
fn route(route: &DynamicObject) -> Route {
    let generation = route.metadata.generation;
    let array = |value: Option<&serde_json::Value>| {
        value.and_then(|value| value.as_array()).cloned().unwrap_or_default()
    };
    let parents = array(route.data.pointer("/status/parents"));
    let wanted = array(route.data.pointer("/spec/parentRefs")).len();
    let mut accepted = 0;
    let mut refused = Vec::new();
    for parent in &parents {
        let conditions = array(parent.get("conditions"));
        let current: Vec<_> = conditions
            .iter()
            .filter(|one| one["observedGeneration"].as_i64() >= generation)
            .collect();
        let is =
            |kind: &str| current.iter().any(|one| one["type"] == kind && one["status"] == "True");
        if is("Accepted") && is("ResolvedRefs") {
            accepted += 1;
        }
        // Others are its controller's own, and may be false of a route that serves.
        let refuses = |one: &&&serde_json::Value| {
            one["status"] == "False" && (one["type"] == "Accepted" || one["type"] == "ResolvedRefs")
        };
        refused.extend(current.iter().filter(refuses).map(|one| {
            let text = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
            (text("reason"), text("message"))
        }));
    }
    Route {
        name: route.metadata.name.clone().unwrap_or_default(),
        accepted: wanted > 0 && accepted >= wanted,
        refused,
    }
}

fn autoscaler(autoscaler: &HorizontalPodAutoscaler) -> Autoscaler {
    let conditions = autoscaler.status.as_ref().and_then(|status| status.conditions.as_deref());
    let conditions = conditions.unwrap_or_default();
    let is_false =
        |kind: &str| conditions.iter().find(|one| one.type_ == kind && one.status == "False");
    // Older controllers say `BackoffBoth` so, of one that has just scaled.
    let failed = is_false("AbleToScale")
        .filter(|one| one.reason.as_deref().is_some_and(|reason| reason.starts_with("Failed")));
    Autoscaler {
        name: autoscaler.metadata.name.clone().unwrap_or_default(),
        inactive: is_false("ScalingActive").and_then(|one| one.message.clone()),
        unable: failed.map(|one| one.message.clone().unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests;
