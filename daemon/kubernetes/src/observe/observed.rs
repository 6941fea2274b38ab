//! Observed objects of one app, by watches or lists.

use super::{
    expected::{Expected, Leading},
    facts::{is_of_job, named},
};
use k8s_openapi::{
    api::{
        apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet},
        autoscaling::v2::HorizontalPodAutoscaler,
        batch::v1::Job,
        core::v1::{Event, Pod as K8sPod, Service as K8sService},
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::api::DynamicObject;
use std::collections::BTreeMap;

const REVISION: &str = "deployment.kubernetes.io/revision";
const HASH: &str = "pod-template-hash";
/// Label that names the revision of a StatefulSet's pod.
pub(super) const CONTROLLER_HASH: &str = "controller-revision-hash";
/// Annotation with the number of a DaemonSet's template (`DeprecatedTemplateGeneration` of
/// `k8s.io/api/apps/v1`). A DaemonSet's status does not show the hash of its newest pods.
const TEMPLATE: &str = "deprecated.daemonset.template.generation";
/// Label with that number on a DaemonSet's pods.
const GENERATION: &str = "pod-template-generation";

/// All objects that watches or lists show of one app.
#[derive(Default)]
pub(crate) struct Observed {
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
    /// Services that must have endpoints.
    pub(crate) leading: Vec<Leading>,
    /// Numbers of ready endpoints by Service. A Service that was not asked for is missing.
    pub(crate) endpoints: BTreeMap<String, u32>,
    /// Uids of pods for which an autoscaler adds a node: a StatefulSet's pods keep their names.
    pub(crate) scaling_up: Vec<String>,
    /// Node selectors, each with whether some node matches. `None` means that the account may not see nodes.
    pub(crate) matching_nodes: BTreeMap<String, Option<bool>>,
}

impl Observed {
    /// Returns the ReplicaSet that the Deployment's controller made, or took up again, last.
    pub(super) fn new_set(&self, deployment: &Deployment) -> Option<&ReplicaSet> {
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

    /// Returns the pods of the newest revision, each with the name of its workload.
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
                    // Other DaemonSets may have a template of the same number.
                    owner = set.and_then(|set| set.metadata.uid.clone());
                    let annotations = set.and_then(|set| set.metadata.annotations.as_ref());
                    (GENERATION, annotations.and_then(|all| all.get(TEMPLATE)))
                }
                _ => {
                    // The Job judges a pod that has begun: the Job may try again.
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

    /// Returns the pods of the release's Jobs that have not succeeded.
    pub(crate) fn pods_of_jobs(&self) -> impl Iterator<Item = &K8sPod> {
        let names = self.expected.iter().filter(|one| one.kind == "Job");
        self.pods.iter().filter(move |pod| {
            let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
            phase != Some("Succeeded") && names.clone().any(|job| is_of_job(pod, &job.name))
        })
    }
}
