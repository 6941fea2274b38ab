//! The `HTTPRoute` or the `Ingress` of an app.

use super::names::metadata;
use crate::json::set;
use serde_json::{Value, json};
use windlass_model::{job::Release, runtime::Route};

/// Renders the object that routes requests from outside to the Service of `web`. `None` means that the app
/// wants none.
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
