//! Endpoints of an app, read from its `Service` and `Ingress`.

use crate::{client::Client, object::ObjectRef};
use kube::api::DynamicObject;
use serde_json::Value;
use windlass_model::{
    endpoint::Endpoint,
    error::ClusterError,
    job::Release,
    runtime::{Route, ServiceKind},
};

/// Addresses of a load balancer that are shown, at most.
const MOST: usize = 16;

/// Characters of the longest name in DNS.
const LONGEST: usize = 253;

/// Returns the endpoints of a release, with the addresses that only the cluster knows.
pub(crate) async fn endpoints(
    client: &Client,
    release: &Release,
) -> Result<Vec<Endpoint>, ClusterError> {
    if !Endpoint::is_any(release) {
        return Ok(Vec::new());
    }
    let mut all = Endpoint::named(release);
    let expose = &release.runtime.expose;
    if let (Some(Route::Ingress { tls, .. }), []) = (&expose.route, &*expose.hosts) {
        let scheme = if tls.is_some() { "https" } else { "http" };
        let ingress = find(client, release, "networking.k8s.io/v1", "Ingress").await?;
        let url = |host: String| format!("{scheme}://{host}{}", expose.path);
        let urls = ingress.iter().flat_map(balancers).map(url);
        all.extend(urls.map(|url| Endpoint { url, internal: false }));
    }
    let service = find(client, release, "v1", "Service").await?;
    if expose.service == Some(ServiceKind::LoadBalancer) {
        let hosts = service.iter().flat_map(balancers);
        all.extend(hosts.map(|host| Endpoint::of_service(release, &host, false)));
    }
    all.extend(
        service
            .as_ref()
            .and_then(|service| service.data.pointer("/spec/clusterIP"))
            .and_then(Value::as_str)
            .filter(|address| !address.is_empty() && *address != "None" && address.len() <= LONGEST)
            .map(|address| Endpoint::of_service(release, address, true)),
    );
    Ok(all)
}

/// Finds the object of `web`, which has the app's name.
async fn find(
    client: &Client,
    release: &Release,
    api_version: &str,
    kind: &str,
) -> Result<Option<DynamicObject>, ClusterError> {
    let object = ObjectRef::new(api_version, kind, &release.app.name);
    client.find(&object.head(&release.app.namespace())).await
}

/// Returns the host names or addresses that a load balancer has given.
fn balancers(object: &DynamicObject) -> Vec<String> {
    let given = object.data.pointer("/status/loadBalancer/ingress").and_then(Value::as_array);
    let host = |one: &Value| {
        let name = one.get("hostname").or_else(|| one.get("ip"))?;
        name.as_str().map(str::to_owned)
    };
    let hosts = given.into_iter().flatten().filter_map(host);
    hosts.filter(|host| host.len() <= LONGEST).take(MOST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn balancers_have_names_or_addresses() {
        let object = |ingress: Value| -> DynamicObject {
            serde_json::from_value(json!({
                "apiVersion": "v1", "kind": "Service", "metadata": { "name": "web" },
                "status": { "loadBalancer": { "ingress": ingress } },
            }))
            .unwrap()
        };
        let given = json!([{ "ip": "192.0.2.7" }, { "hostname": "lb.example", "ip": "192.0.2.8" }]);
        assert_eq!(balancers(&object(given)), ["192.0.2.7", "lb.example"]);
        assert!(balancers(&object(Value::Null)).is_empty());
    }
}
