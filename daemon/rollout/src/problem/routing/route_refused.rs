//! The gateway does not take the route (WL-K8S-051).

use crate::problem::{Debounce, Explanation, Problem, no_answer, of};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 51,
    code: "route-refused",
    title: "The gateway does not take the route",
    symptom: "a condition of the HTTPRoute is false: NoMatchingListenerHostname, NotAllowedByListeners, BackendNotFound, RefNotPermitted or another",
    debounce: Debounce::After(15),
    symptoms: |snapshot| {
        snapshot
            .routes
            .iter()
            .filter_map(|route| {
                let (reason, message) = route.refused.first()?;
                Some(of("HTTPRoute", &route.name, format!("{reason}: {message}")))
            })
            .collect()
    },
    matches_error: no_answer,
    explain: |case| {
        let hosts = &case.release.runtime.expose.hosts;
        let host = if hosts.is_empty() { "its hosts".to_owned() } else { hosts.join(", ") };
        let (what, fix) = match case.finding.message.split(':').next().unwrap_or_default() {
            "NoMatchingListenerHostname" => (
                format!("no listener of the gateway is for {host}"),
                "add a listener with this host name to the Gateway, or change `expose.hosts`",
            ),
            "NotAllowedByListeners" => (
                "the gateway takes no routes from this namespace".to_owned(),
                "ask the gateway's owner to allow the namespace: `allowedRoutes` of its listener",
            ),
            "NoMatchingParent" => (
                "there is no such gateway, or it has no such listener".to_owned(),
                "correct `expose.gateway`: `kubectl get gateways --all-namespaces` lists them",
            ),
            "BackendNotFound" => (
                "the route leads to a Service that is not there".to_owned(),
                "submit again, which puts the Service back; in a manifest of your own, correct `backendRefs`",
            ),
            "RefNotPermitted" => (
                "the route leads into a namespace that does not allow it".to_owned(),
                "ask that namespace's owner for a ReferenceGrant",
            ),
            _ => {
                ("the gateway does not take the route".to_owned(), "change what the message names")
            }
        };
        Explanation::new(what, [fix])
            .look(format!("kubectl --namespace {} describe httproutes", case.namespace()))
    },
};
