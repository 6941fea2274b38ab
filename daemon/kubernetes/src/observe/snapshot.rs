//! Converts observed objects to the snapshot that the judge reads. Pure.

mod pod;
mod refused;
mod workload;

use super::{
    expected::Leading,
    facts::{message, named, selector_of},
    observed::Observed,
};
use k8s_openapi::api::{
    autoscaling::v2::HorizontalPodAutoscaler,
    core::v1::{Event, Pod as K8sPod},
};
use kube::api::DynamicObject;
use pod::read;
use windlass_rollout::snapshot::{Autoscaler, Route, Service, Snapshot, Warning};

impl Observed {
    /// Converts all objects.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let pods = self.new_pods();
        let read_pod = |(pod, workload): &(&K8sPod, String)| {
            let mut read = read(pod);
            read.workload.clone_from(workload);
            // Labels of the repository's own pods may name any process.
            let expected = self.expected.iter().find(|one| one.name == *workload);
            read.process = expected.map(|one| one.process.clone()).unwrap_or_default();
            let uid = pod.metadata.uid.as_ref();
            read.is_scaling_up |= uid.is_some_and(|uid| self.scaling_up.contains(uid));
            read.has_matching_node = self.matching_nodes.get(&selector_of(pod)).copied().flatten();
            read
        };
        let workloads: Vec<_> = self.expected.iter().map(|one| self.workload(one, &pods)).collect();
        let mut warnings = self.warnings(&pods);
        // Where no pod can be made, these are the only warnings.
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

    fn warnings(&self, pods: &[(&K8sPod, String)]) -> Vec<Warning> {
        let mut events: Vec<_> = self
            .events
            .iter()
            .filter(|event| explains(event))
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
        let service = |one: &Leading| Service {
            endpoints: self.endpoints.get(&one.service).copied(),
            is_pending: pending(&one.service),
            name: one.service.clone(),
        };
        // A workload that is scaled to zero leaves its Service without an address.
        let rests = |one: &&Leading| {
            let name = &one.workload;
            let deployment = named(&self.deployments, name).and_then(|one| one.spec.as_ref());
            let set = named(&self.stateful_sets, name).and_then(|one| one.spec.as_ref());
            deployment.and_then(|spec| spec.replicas) == Some(0)
                || set.and_then(|spec| spec.replicas) == Some(0)
        };
        self.leading.iter().filter(|one| !rests(one)).map(service).collect()
    }
}

/// Returns whether an event may explain a problem. `Killing` is of type Normal, and most are of pods that were asked
/// to end.
fn explains(event: &Event) -> bool {
    let is_for_a_probe = event.reason.as_deref() == Some("Killing")
        && event.message.as_ref().is_some_and(|message| message.contains(" failed "));
    event.type_.as_deref() == Some("Warning") || is_for_a_probe
}

/// Converts a route. Each gateway that the route names must have accepted the current generation.
pub(crate) fn route(route: &DynamicObject) -> Route {
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
        // Other conditions are the controller's own, and may be false of a route that serves.
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
    // Older controllers report `BackoffBoth` like this, of an autoscaler that has just scaled.
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
