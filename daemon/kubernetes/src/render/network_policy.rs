//! The `NetworkPolicy` of an app: peers that its pods may talk to.

use super::names::{INSTANCE, metadata};
use crate::json::set;
use serde_json::{Value, json};
use windlass_model::job::Release;

/// Renders the NetworkPolicy. `None` means that the app wants none.
pub(super) fn network_policy(release: &Release) -> Option<Value> {
    let network = release.runtime.network.as_ref()?;
    let own = json!({ "podSelector": { "matchLabels": { INSTANCE: release.app.name } } });
    let mut from = vec![own.clone()];
    if !network.from.is_empty() {
        from.push(json!({
            "namespaceSelector": { "matchExpressions": [{
                "key": "kubernetes.io/metadata.name", "operator": "In", "values": network.from,
            }] },
        }));
    }
    // Without DNS no other peer can be reached by its name.
    let dns = ["UDP", "TCP"].map(|protocol| json!({ "port": 53, "protocol": protocol }));
    let mut egress = vec![json!({ "ports": dns }), json!({ "to": [own] })];
    egress.extend(network.to.iter().map(|peer| {
        let mut rule = json!({ "to": [{ "ipBlock": { "cidr": peer.cidr } }] });
        if let Some(port) = peer.port {
            set(&mut rule, "ports", json!([{ "port": port, "protocol": "TCP" }]));
        }
        rule
    }));
    Some(json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(release, &release.app.name),
        "spec": {
            "podSelector": { "matchLabels": { INSTANCE: release.app.name } },
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{ "from": from }],
            "egress": egress,
        },
    }))
}
