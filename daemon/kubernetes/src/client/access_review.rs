//! `SelfSubjectRulesReview`s: what this daemon's account may do, asked once for each namespace.
//!
//! All rights that a release lacks are known before anything is built.

use super::{
    discovery::ServedKinds,
    error::limited,
    role::{role, yaml},
};
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

/// Verbs by group and resource, for the pages of a new version that are asked for before it gets requests.
const ASKED: [(&str, &str, &[&str]); 1] = [("", "services/proxy", &["get"])];

/// Verbs by group and resource, beside those of [`OBSERVED`], that the release of any app needs.
const DEPLOYED: [(&str, &str, &[&str]); 7] = [
    ("", "configmaps", &WRITTEN),
    ("", "secrets", &WRITTEN),
    ("", "serviceaccounts", &WRITTEN),
    ("", "services", &WRITTEN),
    ("apps", "deployments", &WRITTEN),
    ("policy", "poddisruptionbudgets", &WRITTEN),
    // A release without it goes on, and warns: it is named here alone.
    ("coordination.k8s.io", "leases", &WRITTEN),
];

/// Verbs by group and resource.
type Needed<'a> = BTreeMap<(String, String), BTreeSet<&'a str>>;

/// Rights of an account in a namespace, compared with those that a release of any app needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Rights {
    Enough,
    /// A Role that would grant what is missing.
    Missing(String),
    /// Another authorizer decides, or the review itself is refused.
    Unknown,
}

/// Rights of the account, by namespace.
#[derive(Default)]
pub(crate) struct AccessReviews(Mutex<BTreeMap<String, Known>>);

/// Rights of one namespace, with the time of the review.
type Known = (Instant, Arc<Vec<ResourceRule>>);

impl AccessReviews {
    /// Checks that all these objects can be made and watched in a namespace. `asks` means that a Service's pages are
    /// read, too.
    pub(crate) async fn check(
        &self,
        client: &kube::Client,
        kinds: &ServedKinds,
        namespace: &str,
        objects: &[Value],
        asks: bool,
    ) -> Result<(), ClusterError> {
        let mut needed = Needed::new();
        add(&mut needed, &OBSERVED);
        if asks {
            add(&mut needed, &ASKED);
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
        let missing = missing(needed, &rules);
        if missing.is_empty() {
            return Ok(());
        }
        // Whoever grants what is missing should not have to wait until this answer expires.
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(namespace);
        let message = role(namespace, &missing);
        Err(ClusterError::Forbidden { object: format!("namespace {namespace}"), message })
    }

    /// Compares the account's rights in a namespace with those that a release of any app needs.
    pub(crate) async fn review(
        &self,
        client: &kube::Client,
        namespace: &str,
    ) -> Result<Rights, ClusterError> {
        let mut needed = Needed::new();
        add(&mut needed, &OBSERVED);
        add(&mut needed, &DEPLOYED);
        let Some(rules) = self.rules(client, namespace).await? else { return Ok(Rights::Unknown) };
        let missing = missing(needed, &rules);
        if missing.is_empty() {
            return Ok(Rights::Enough);
        }
        Ok(Rights::Missing(yaml(namespace, &missing)))
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

fn add(needed: &mut Needed<'_>, verbs: &[(&str, &str, &'static [&'static str])]) {
    for (group, resource, verbs) in verbs {
        let needed = needed.entry(((*group).to_owned(), (*resource).to_owned())).or_default();
        needed.extend(verbs.iter().copied());
    }
}

/// Returns what rules do not grant.
fn missing<'a>(
    needed: Needed<'a>,
    rules: &[ResourceRule],
) -> BTreeMap<(String, String), Vec<&'a str>> {
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
    missing
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

    #[test]
    fn what_the_rules_do_not_grant_is_missing_and_nothing_else() {
        let mut needed = Needed::new();
        add(&mut needed, &OBSERVED);
        add(&mut needed, &DEPLOYED);
        let all = ResourceRule {
            api_groups: Some(vec!["*".into()]),
            resources: Some(vec!["*".into()]),
            verbs: vec!["get".into(), "list".into(), "watch".into(), "create".into()],
            resource_names: None,
        };
        let missing = missing(needed, &[all]);
        let deployments = missing.get(&("apps".to_owned(), "deployments".to_owned()));
        assert_eq!(deployments.unwrap(), &["delete", "patch"]);
        assert!(!missing.contains_key(&(String::new(), "pods/log".to_owned())));
        let role = yaml("shop--production", &missing);
        assert!(role.starts_with("apiVersion: rbac.authorization.k8s.io/v1\nkind: Role"), "{role}");
        assert!(
            role.contains("resources: [\"secrets\"]\n  verbs: [\"delete\", \"patch\"]"),
            "{role}"
        );
    }
}
