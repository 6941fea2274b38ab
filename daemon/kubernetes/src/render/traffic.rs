//! Objects that share requests between two versions of `web`.

use super::{
    names::{COMPONENT, INSTANCE, metadata, preview_name, track_selector},
    route::{HTTP_ROUTE, http_route},
    service::service,
};
use crate::json::{set, text};
use serde_json::{Value, json};
use windlass_model::{
    job::Release,
    runtime::{StrategyKind, Track, Traffic, WEB},
};

/// Kind of the object that leads requests in a mesh of Istio.
const VIRTUAL_SERVICE: &str = "VirtualService";

/// Returns the way in which a release shares requests. Blue-green switches all of them by the Service's selector,
/// whatever leads to the Service.
pub(crate) fn traffic(release: &Release) -> Traffic {
    let strategy = &release.runtime.strategy;
    if strategy.kind == StrategyKind::Canary { strategy.traffic } else { Traffic::Replicas }
}

/// Returns whether an object leads requests to Services by weights.
pub(crate) fn is_route(object: &Value) -> bool {
    matches!(text(object, "/kind"), HTTP_ROUTE | VIRTUAL_SERVICE)
}

/// Returns whether a gateway shows in the status of an object that it follows it.
pub(crate) fn is_followed(object: &Value) -> bool {
    text(object, "/kind") == HTTP_ROUTE
}

/// Renders the Service of `web` while `weight` percent of the requests are for the new version: it selects the pods of
/// track `from` at 0, those of the release's own track at 100, and those of all tracks between. `None` means that
/// `web` is off or listens on nothing.
pub(crate) fn shared_service(release: &Release, from: Track, weight: u32) -> Option<Value> {
    let selector = match weight {
        0 => track_selector(release, from),
        1..=99 => json!({ INSTANCE: release.app.name, COMPONENT: WEB }),
        _ => track_selector(release, release.track()),
    };
    let mut shared = service(release, release.runtime.web()?)?;
    set(shared.get_mut("spec")?, "selector", selector);
    Some(shared)
}

/// Renders the HTTPRoute that gives the new version `weight` percent of the requests. `port` is the one of the Service
/// that serves, which may still be the previous release's. `None` means that the app has no gateway.
pub(crate) fn shared_route(release: &Release, weight: u32, port: u16) -> Option<Value> {
    let new = weight.min(100);
    let backends = json!([
        { "name": release.app.name, "port": port, "weight": 100 - new },
        { "name": preview_name(release), "port": release.runtime.expose.port, "weight": new },
    ]);
    http_route(release, &backends)
}

/// Renders the VirtualService that gives the new version `weight` percent of the requests.
pub(crate) fn shared_virtual_service(release: &Release, weight: u32) -> Value {
    let new = weight.min(100);
    let routes = [(release.app.name.clone(), 100 - new), (preview_name(release), new)];
    of_istio(release, &routes)
}

/// Renders the VirtualService that leads all requests to the Service of `web`. `None` means that the release does not
/// use Istio.
pub(super) fn virtual_service(release: &Release) -> Option<Value> {
    let is_wanted = release.runtime.strategy.traffic == Traffic::Istio;
    is_wanted.then(|| of_istio(release, &[(release.app.name.clone(), 100)]))
}

fn of_istio(release: &Release, routes: &[(String, u32)]) -> Value {
    let mut hosts = vec![release.app.name.clone()];
    hosts.extend(release.runtime.expose.hosts.iter().cloned());
    // Without a port: Istio takes the only one of each Service, or the one that the request came for.
    let routes: Vec<_> = routes
        .iter()
        .map(|(host, weight)| json!({ "destination": { "host": host }, "weight": weight }))
        .collect();
    json!({
        "apiVersion": "networking.istio.io/v1",
        "kind": VIRTUAL_SERVICE,
        "metadata": metadata(release, &release.app.name),
        "spec": { "hosts": hosts, "http": [{ "route": routes }] },
    })
}
