//! Pods that the controllers of StatefulSets wait for.

use super::{
    facts::{is_ready, named},
    observed::{CONTROLLER_HASH, Observed},
};
use crate::render::starts_in_order;
use k8s_openapi::api::{apps::v1::StatefulSet, core::v1::Pod as K8sPod};

impl Observed {
    /// Returns the pods that the release's StatefulSets wait for in vain, each with its set.
    pub(crate) fn blocked(&self) -> impl Iterator<Item = (&StatefulSet, &K8sPod)> {
        let sets = self.expected.iter().filter(|one| one.kind == "StatefulSet");
        let sets = sets.filter_map(move |one| named(&self.stateful_sets, &one.name));
        sets.filter_map(move |set| Some((set, in_the_way(set, &self.pods)?)))
    }
}

/// Returns the pod of another revision that keeps a StatefulSet from going on.
///
/// A set that starts its pods in order waits for the first pod that is not ready, whichever revision that pod
/// has (kubernetes/kubernetes#67250). Since Kubernetes 1.35 other sets, too, replace no pod while one is away.
/// An update goes from the last pod to the first: no pod is in the way while a pod above it ends or starts,
/// since it may wait for that pod.
pub(super) fn in_the_way<'a>(set: &StatefulSet, pods: &'a [K8sPod]) -> Option<&'a K8sPod> {
    let spec = set.spec.as_ref()?;
    let status = set.status.as_ref()?;
    // Until the controller has observed the newest generation, the newest revision is not known.
    if status.observed_generation < set.metadata.generation {
        return None;
    }
    let wanted = status.update_revision.as_ref()?;
    let strategy = spec.update_strategy.as_ref();
    // With `OnDelete` somebody else replaces the pods.
    if strategy.and_then(|one| one.type_.as_deref()) == Some("OnDelete") {
        return None;
    }
    let rolling = strategy.and_then(|one| one.rolling_update.as_ref());
    let kept = rolling.and_then(|one| one.partition).unwrap_or_default();
    let mut unready: Vec<_> = pods
        .iter()
        .filter(|pod| is_of(pod, set) && !is_ready(pod))
        .filter_map(|pod| Some((ordinal(pod)?, pod)))
        .collect();
    unready.sort_by_key(|(ordinal, _)| *ordinal);
    let is_other = |(ordinal, pod): &(i32, &K8sPod)| {
        let labels = pod.metadata.labels.as_ref();
        let revision = labels.and_then(|labels| labels.get(CONTROLLER_HASH));
        *ordinal >= kept && revision.is_some_and(|revision| revision != wanted)
    };
    let mut unready = unready.into_iter();
    let found = if starts_in_order(spec.pod_management_policy.as_deref()) {
        unready.next().filter(is_other)
    } else {
        unready.find(is_other)
    };
    let (_, pod) = found?;
    let ends = |pod: &K8sPod| pod.metadata.deletion_timestamp.is_some();
    let goes_on = unready.any(|above| ends(above.1) || !is_other(&above));
    (!ends(pod) && !goes_on).then_some(pod)
}

/// Returns whether a pod is of a set, by the set's uid: another set of the same name may have existed before.
fn is_of(pod: &K8sPod, set: &StatefulSet) -> bool {
    let mut owners = pod.metadata.owner_references.iter().flatten();
    owners.any(|owner| set.metadata.uid.as_ref() == Some(&owner.uid))
}

fn ordinal(pod: &K8sPod) -> Option<i32> {
    pod.metadata.name.as_ref()?.rsplit_once('-')?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn set(change: impl Fn(&mut Value)) -> StatefulSet {
        let mut set = json!({
            "metadata": { "name": "web", "uid": "s", "generation": 3 },
            "spec": { "selector": {}, "template": {}, "podManagementPolicy": "OrderedReady", "serviceName": "web" },
            "status": { "replicas": 2, "observedGeneration": 3, "updateRevision": "web-good" },
        });
        change(&mut set);
        serde_json::from_value(set).unwrap()
    }

    fn pod(name: &str, revision: &str, ready: bool) -> K8sPod {
        pod_of("s", name, revision, ready)
    }

    fn pod_of(owner: &str, name: &str, revision: &str, ready: bool) -> K8sPod {
        serde_json::from_value(json!({
            "metadata": {
                "name": name, "labels": { CONTROLLER_HASH: revision },
                "ownerReferences": [{ "apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web", "uid": owner }],
            },
            "status": { "conditions": [{ "type": "Ready", "status": if ready { "True" } else { "False" } }] },
        }))
        .unwrap()
    }

    fn name(set: &StatefulSet, pods: &[K8sPod]) -> Option<String> {
        in_the_way(set, pods).and_then(|pod| pod.metadata.name.clone())
    }

    #[test]
    fn only_a_pod_of_another_revision_that_is_waited_for_is_in_the_way() {
        let plain = set(|_| {});
        let broken = [pod("web-0", "web-good", true), pod("web-1", "web-bad", false)];
        assert_eq!(name(&plain, &broken).as_deref(), Some("web-1"));
        for (pods, why) in [
            (vec![pod("web-0", "web-good", true), pod("web-1", "web-good", false)], "it is wanted"),
            (vec![pod("web-0", "web-good", true), pod("web-1", "web-bad", true)], "it is ready"),
            (
                vec![pod("web-0", "web-good", false), pod("web-1", "web-bad", false)],
                "its turn is not yet",
            ),
            (vec![pod_of("other", "web-1", "web-bad", false)], "it is of another set"),
        ] {
            assert_eq!(name(&plain, &pods), None, "{why}");
        }
        let unseen = set(|set| set["status"]["observedGeneration"] = json!(2));
        let by_hand = set(|set| set["spec"]["updateStrategy"] = json!({ "type": "OnDelete" }));
        let kept = json!({ "type": "RollingUpdate", "rollingUpdate": { "partition": 2 } });
        let kept = set(|set| set["spec"]["updateStrategy"] = kept.clone());
        for set in [unseen, by_hand, kept] {
            assert_eq!(name(&set, &broken), None, "{set:?}");
        }
        let parallel = set(|set| set["spec"]["podManagementPolicy"] = json!("Parallel"));
        let both = [pod("web-0", "web-good", false), pod("web-1", "web-bad", false)];
        assert_eq!(name(&parallel, &both).as_deref(), Some("web-1"));
        // The update has begun above it; or the pod there is about to end.
        let begun = [pod("web-0", "web-bad", false), pod("web-1", "web-good", false)];
        let mut ends = [pod("web-0", "web-bad", false), pod("web-1", "web-bad", true)];
        assert_eq!(name(&parallel, &ends).as_deref(), Some("web-0"));
        ends[1] = pod("web-1", "web-bad", false);
        ends[1].metadata.deletion_timestamp =
            Some(serde_json::from_value(json!("2026-01-01T00:00:00Z")).unwrap());
        for set in [&plain, &parallel] {
            assert_eq!(name(set, &begun), None, "{set:?}");
            assert_eq!(name(set, &ends), None, "{set:?}");
        }
    }
}
