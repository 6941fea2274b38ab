//! How pods are reached.

use super::names::{metadata, process_metadata, selector, set, workload_name};
use serde_json::{Value, json};
use windlass_model::{
    job::Release,
    runtime::{Process, Route, ServiceKind, WEB},
};

/// A Service where a process listens, and one without an address for pods that have names.
pub(super) fn services(release: &Release, process: &Process) -> Vec<Value> {
    let mut all = Vec::new();
    let ports = ports(release, process);
    if !ports.is_empty() {
        let mut head = process_metadata(release, process);
        let expose = &release.runtime.expose;
        let is_web = process.name == WEB;
        // A job's id would make every release a change of every Service.
        if let Some(head) = head.as_object_mut() {
            head.remove("annotations");
        }
        if is_web && !expose.annotations.is_empty() {
            set(&mut head, "annotations", json!(expose.annotations));
        }
        let mut spec = json!({ "selector": selector(release, process), "ports": ports });
        if is_web && expose.service == Some(ServiceKind::LoadBalancer) {
            set(&mut spec, "type", json!("LoadBalancer"));
        }
        all.push(json!({ "apiVersion": "v1", "kind": "Service", "metadata": head, "spec": spec }));
    }
    if process.stateful {
        all.push(json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata(release, &headless_name(release, process)),
            "spec": {
                "clusterIP": "None",
                "selector": selector(release, process),
                // Members of a cluster look for each other before they are ready.
                "publishNotReadyAddresses": true,
            },
        }));
    }
    all
}

/// What gives pods of a StatefulSet their names.
pub(super) fn headless_name(release: &Release, process: &Process) -> String {
    format!("{}-pods", workload_name(release, process))
}

fn ports(release: &Release, process: &Process) -> Vec<Value> {
    let expose = &release.runtime.expose;
    let port = if process.name == WEB { expose.port } else { 80 };
    let main = process.port.map(|_| json!({ "name": "http", "port": port, "targetPort": "http" }));
    let others = process.ports.iter();
    // A Service cannot have a port twice; the app's own goes first.
    let others = others.filter(|(_, other)| process.port.is_none() || **other != port);
    main.into_iter()
        .chain(others.map(|(name, port)| json!({ "name": name, "port": port, "targetPort": name })))
        .collect()
}

/// What leads requests from outside to the Service of `web`.
pub(super) fn route(release: &Release) -> Option<Value> {
    let expose = &release.runtime.expose;
    let mut head = metadata(release, &release.app.name);
    match expose.route.as_ref()? {
        Route::Gateway { namespace, name } => {
            let mut parent = json!({ "name": name });
            if let Some(namespace) = namespace {
                set(&mut parent, "namespace", json!(namespace));
            }
            let mut spec = json!({
                "parentRefs": [parent],
                "rules": [{
                    "matches": [{ "path": { "type": "PathPrefix", "value": expose.path } }],
                    "backendRefs": [{ "name": release.app.name, "port": expose.port }],
                }],
            });
            if !expose.hosts.is_empty() {
                set(&mut spec, "hostnames", json!(expose.hosts));
            }
            Some(json!({
                "apiVersion": "gateway.networking.k8s.io/v1",
                "kind": "HTTPRoute",
                "metadata": head,
                "spec": spec,
            }))
        }
        Route::Ingress { class, tls } => {
            if !expose.annotations.is_empty() {
                set(&mut head, "annotations", json!(expose.annotations));
            }
            let service =
                json!({ "service": { "name": release.app.name, "port": { "name": "http" } } });
            let http = json!({
                "paths": [{ "path": expose.path, "pathType": "Prefix", "backend": service }],
            });
            let rules: Vec<_> = match &*expose.hosts {
                [] => vec![json!({ "http": http })],
                hosts => hosts.iter().map(|host| json!({ "host": host, "http": http })).collect(),
            };
            let mut spec = json!({ "ingressClassName": class, "rules": rules });
            if let Some(secret) = tls {
                let mut tls = json!({ "secretName": secret });
                if !expose.hosts.is_empty() {
                    set(&mut tls, "hosts", json!(expose.hosts));
                }
                set(&mut spec, "tls", json!([tls]));
            }
            Some(json!({
                "apiVersion": "networking.k8s.io/v1",
                "kind": "Ingress",
                "metadata": head,
                "spec": spec,
            }))
        }
    }
}
