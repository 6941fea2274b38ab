//! `SelfSubjectRulesReview`s: what this daemon's account may do, asked once for each namespace.
//!
//! All rights that a release lacks are known before anything is built.

use super::{discovery::ServedKinds, error::limited, role::role};
use crate::{json, render::is_ordered};
use k8s_openapi::api::authorization::v1::{
    ResourceRule, SelfSubjectRulesReview, SelfSubjectRulesReviewSpec,
};
use kube::{
    api::{Api, PostParams},
    core::GroupVersionKind,
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use windlass_model::error::ClusterError;

/// Time for which an answer is kept.
const FRESH: Duration = Duration::from_secs(600);

/// Verbs for objects that a release writes, and reads again.
const WRITTEN: [&str; 4] = ["get", "create", "patch", "delete"];

/// Kinds of watched objects, beside those of [`OBSERVED`].
const WATCHED: [&str; 5] =
    ["StatefulSet", "DaemonSet", "Job", "HorizontalPodAutoscaler", "HTTPRoute"];

/// Verbs by group and resource, for what a rollout is watched by and for the inventory.
const OBSERVED: [(&str, &str, &[&str]); 7] = [
    ("", "pods", &["get", "list", "watch"]),
    ("", "pods/log", &["get"]),
    ("", "events", &["list", "watch"]),
    ("", "configmaps", &["get", "create", "patch"]),
    ("apps", "deployments", &["get", "list", "watch"]),
    ("apps", "replicasets", &["list", "watch"]),
    ("discovery.k8s.io", "endpointslices", &["list"]),
];

/// Rights of the account, by namespace.
#[derive(Default)]
pub(crate) struct AccessReviews(Mutex<BTreeMap<String, Known>>);

/// Rights of one namespace, with the time of the review.
type Known = (Instant, Arc<Vec<ResourceRule>>);

impl AccessReviews {
    /// Checks that all these objects can be made and watched in a namespace.
    pub(crate) async fn check(
        &self,
        client: &kube::Client,
        kinds: &ServedKinds,
        namespace: &str,
        objects: &[Value],
    ) -> Result<(), ClusterError> {
        let mut needed: BTreeMap<(String, String), BTreeSet<&str>> = BTreeMap::new();
        for (group, resource, verbs) in OBSERVED {
            needed.entry((group.into(), resource.into())).or_default().extend(verbs);
        }
        if objects.iter().any(is_ordered) {
            needed.entry((String::new(), "pods".into())).or_default().insert("delete");
        }
        for object in objects.iter().filter(|object| object["kind"] != "Namespace") {
            let text = |key: &str| object[key].as_str().unwrap_or_default();
            let (group, version) =
                text("apiVersion").split_once('/').unwrap_or(("", text("apiVersion")));
            let kind = GroupVersionKind::gvk(group, version, text("kind"));
            let plural = kinds.resource(&kind).plural;
            let needed = needed.entry((group.into(), plural)).or_default();
            needed.extend(WRITTEN);
            if WATCHED.contains(&text("kind")) || json::text(object, "/spec/type") == "LoadBalancer"
            {
                needed.extend(["list", "watch"]);
            }
        }
        let Some(rules) = self.rules(client, namespace).await? else { return Ok(()) };
        let mut missing = BTreeMap::new();
        for ((group, resource), verbs) in needed {
            let lacking: Vec<_> = verbs
                .into_iter()
                .filter(|verb| !rules.iter().any(|rule| allows(rule, &group, &resource, verb)))
                .collect();
            if !lacking.is_empty() {
                missing.insert((group, resource), lacking);
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        // Whoever grants what is missing should not have to wait until this answer expires.
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(namespace);
        let message = role(namespace, &missing);
        Err(ClusterError::Forbidden { object: format!("namespace {namespace}"), message })
    }

    /// Returns the rules of a namespace. `None` means that they are unknown: another authorizer decides, or the
    /// review itself is refused.
    async fn rules(
        &self,
        client: &kube::Client,
        namespace: &str,
    ) -> Result<Option<Arc<Vec<ResourceRule>>>, ClusterError> {
        {
            let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((at, rules)) = known.get(namespace)
                && at.elapsed() < FRESH
            {
                return Ok(Some(rules.clone()));
            }
        }
        let review = SelfSubjectRulesReview {
            spec: SelfSubjectRulesReviewSpec { namespace: Some(namespace.into()) },
            ..SelfSubjectRulesReview::default()
        };
        let api: Api<SelfSubjectRulesReview> = Api::all(client.clone());
        let answer = limited(api.create(&PostParams::default(), &review), "our own rights").await;
        let status = match answer {
            Ok(review) => review.status,
            Err(error @ (ClusterError::Unreachable { .. } | ClusterError::NotYet { .. })) => {
                return Err(error);
            }
            Err(_) => None,
        };
        let Some(status) = status.filter(|status| !status.incomplete) else { return Ok(None) };
        let rules = Arc::new(status.resource_rules);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, (at, _)| at.elapsed() < FRESH);
        known.insert(namespace.into(), (Instant::now(), rules.clone()));
        Ok(Some(rules))
    }
}

fn allows(rule: &ResourceRule, group: &str, resource: &str, verb: &str) -> bool {
    let has = |list: &[String], wanted: &str| list.iter().any(|one| one == "*" || one == wanted);
    let names = rule.resource_names.as_deref().unwrap_or_default();
    has(&rule.verbs, verb)
        && has(rule.api_groups.as_deref().unwrap_or_default(), group)
        && has(rule.resources.as_deref().unwrap_or_default(), resource)
        && names.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_for_named_objects_is_none_for_all() {
        let mut rule = ResourceRule {
            api_groups: Some(vec!["apps".into()]),
            resources: Some(vec!["*".into()]),
            verbs: vec!["get".into()],
            resource_names: None,
        };
        assert!(allows(&rule, "apps", "deployments", "get"));
        assert!(!allows(&rule, "apps", "deployments", "patch"));
        assert!(!allows(&rule, "", "pods", "get"));
        rule.resource_names = Some(vec!["one".into()]);
        assert!(!allows(&rule, "apps", "deployments", "get"));
    }
}
