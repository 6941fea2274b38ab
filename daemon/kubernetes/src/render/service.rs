//! The `Service`s of a process.

use super::names::{
    component_metadata, metadata, preview_name, selector, service_name, workload_name,
};
use crate::json::set;
use serde_json::{Value, json};
use windlass_model::{
    job::Release,
    runtime::{Process, ServiceKind, WEB},
};

/// Renders a Service for a process that listens, and a headless one for the pods of a StatefulSet.
pub(super) fn services(release: &Release, process: &Process) -> Vec<Value> {
    let mut all: Vec<_> = service(release, process).into_iter().collect();
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

/// Renders the Service of a process. `None` means that the process listens on nothing.
pub(super) fn service(release: &Release, process: &Process) -> Option<Value> {
    let ports = ports(release, process);
    if ports.is_empty() {
        return None;
    }
    // Without a job's id, which would make every release a change of every Service.
    let mut head = component_metadata(release, process, &service_name(release, process));
    let expose = &release.runtime.expose;
    let is_web = process.name == WEB;
    if is_web && !expose.annotations.is_empty() {
        set(&mut head, "annotations", json!(expose.annotations));
    }
    let mut spec = json!({ "selector": selector(release, process), "ports": ports });
    if is_web && expose.service == Some(ServiceKind::LoadBalancer) {
        set(&mut spec, "type", json!("LoadBalancer"));
    }
    Some(json!({ "apiVersion": "v1", "kind": "Service", "metadata": head, "spec": spec }))
}

/// Renders the Service that leads to the pods of `web` on the release's track alone, with the ports of the other one.
/// `None` means that `web` listens on nothing.
pub(super) fn preview(release: &Release, web: &Process) -> Option<Value> {
    let ports = ports(release, web);
    (!ports.is_empty()).then(|| {
        json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": component_metadata(release, web, &preview_name(release)),
            "spec": { "selector": selector(release, web), "ports": ports },
        })
    })
}

/// Returns the name of the headless Service, which gives pods of a StatefulSet their DNS names.
pub(super) fn headless_name(release: &Release, process: &Process) -> String {
    format!("{}-pods", workload_name(release, process))
}

fn ports(release: &Release, process: &Process) -> Vec<Value> {
    let expose = &release.runtime.expose;
    let port = if process.name == WEB { expose.port } else { 80 };
    let main = process.port.map(|_| json!({ "name": "http", "port": port, "targetPort": "http" }));
    let others = process.ports.iter();
    // A Service cannot have a port twice. The port of `http` goes first.
    let others = others.filter(|(_, other)| process.port.is_none() || **other != port);
    main.into_iter()
        .chain(others.map(|(name, port)| json!({ "name": name, "port": port, "targetPort": name })))
        .collect()
}
