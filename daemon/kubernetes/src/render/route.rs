//! The `HTTPRoute` or the `Ingress` of an app.

use super::names::metadata;
use crate::json::set;
use serde_json::{Value, json};
use windlass_model::{job::Release, runtime::Route};

/// Kind of the object that leads requests from a gateway.
pub(super) const HTTP_ROUTE: &str = "HTTPRoute";

/// Renders the object that routes requests from outside to the Service of `web`. `None` means that the app
/// wants none.
pub(super) fn route(release: &Release) -> Option<Value> {
    let expose = &release.runtime.expose;
    match expose.route.as_ref()? {
        Route::Gateway { .. } => {
            http_route(release, &json!([{ "name": release.app.name, "port": expose.port }]))
        }
        Route::Ingress { class, tls } => Some(ingress(release, class, tls.as_deref())),
    }
}

/// Renders the HTTPRoute to these `backendRefs`. `None` means that the app has no gateway.
pub(super) fn http_route(release: &Release, backends: &Value) -> Option<Value> {
    let expose = &release.runtime.expose;
    let Some(Route::Gateway { namespace, name }) = &expose.route else { return None };
    let mut parent = json!({ "name": name });
    if let Some(namespace) = namespace {
        set(&mut parent, "namespace", json!(namespace));
    }
    let mut spec = json!({
        "parentRefs": [parent],
        "rules": [{
            "matches": [{ "path": { "type": "PathPrefix", "value": expose.path } }],
            "backendRefs": backends,
        }],
    });
    if !expose.hosts.is_empty() {
        set(&mut spec, "hostnames", json!(expose.hosts));
    }
    Some(json!({
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": HTTP_ROUTE,
        "metadata": metadata(release, &release.app.name),
        "spec": spec,
    }))
}

fn ingress(release: &Release, class: &str, tls: Option<&str>) -> Value {
    let expose = &release.runtime.expose;
    let mut head = metadata(release, &release.app.name);
    if !expose.annotations.is_empty() {
        set(&mut head, "annotations", json!(expose.annotations));
    }
    let service = json!({ "service": { "name": release.app.name, "port": { "name": "http" } } });
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
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": head,
        "spec": spec,
    })
}
