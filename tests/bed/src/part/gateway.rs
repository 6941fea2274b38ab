//! A gateway that forwards real requests, beside the cluster: Traefik. Only tests that need a gateway start it.

use crate::{
    Layout, Report, Result, install,
    layout::port,
    part::control_plane::kubectl,
    process::{Running, await_ready, ending_with_us, start_command},
};
use std::{fs, process::Command, time::Duration};

/// Namespace of the `Gateway` objects `public`, for hosts under `bed.test` of all namespaces, and `private`, for
/// routes of this namespace alone.
pub const NAMESPACE: &str = "bed-gateway";

const OBJECTS: &str = "apiVersion: v1\nkind: Namespace\nmetadata: { name: bed-gateway }\n---\n\
apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: { name: bed }\nspec: { controllerName: traefik.io/gateway-controller }\n";

/// Starts the gateway, and waits until its `Gateway` objects are `Programmed`. Its metrics are at `/metrics` of
/// [`port::GATEWAY_ADMIN`]. It ends with the thread that starts it. The first call builds the gateway, which takes
/// minutes.
pub fn up(layout: &Layout, report: &Report) -> Result<Running> {
    let definitions = install::gateway(layout, report)?;
    let definitions = definitions.display().to_string();
    kubectl(layout, &["apply", "--server-side", "--force-conflicts", "--filename", &definitions])?;
    let mut objects = OBJECTS.to_owned();
    for (name, hostname, from) in
        [("public", "*.bed.test", "All"), ("private", "*.bed.test", "Same")]
    {
        objects.push_str(&format!(
            "---\napiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{ name: {name}, namespace: {NAMESPACE} }}\nspec:\n  gatewayClassName: bed\n  listeners: [{{ name: web, protocol: HTTP, port: {}, hostname: \"{hostname}\", allowedRoutes: {{ namespaces: {{ from: {from} }} }} }}]\n",
            port::GATEWAY
        ));
    }
    let file = layout.at("gateway.yaml");
    fs::write(&file, objects)?;
    // The API server serves definitions a moment after it has accepted them.
    let crd = "customresourcedefinition/gateways.gateway.networking.k8s.io";
    kubectl(layout, &["wait", "--for=condition=Established", "--timeout=30s", crd])?;
    let file = file.display().to_string();
    let log = layout.at("log/traefik.log");
    let mut command = Command::new(layout.program("traefik"));
    command.env("KUBECONFIG", layout.kubeconfig()).args([
        "--providers.kubernetesgateway=true".to_owned(),
        format!("--entrypoints.web.address=127.0.0.1:{}", port::GATEWAY),
        format!("--entrypoints.traefik.address=127.0.0.1:{}", port::GATEWAY_ADMIN),
        "--metrics.prometheus=true".to_owned(),
        // Routes change while requests are counted: two seconds of the earlier weights would be counted, too.
        "--providers.providersthrottleduration=100ms".to_owned(),
        "--global.checknewversion=false".to_owned(),
        "--global.sendanonymoususage=false".to_owned(),
    ]);
    let mut part = start_command("traefik", &log, ending_with_us(&command, "KILL"))?;
    kubectl(layout, &["apply", "--filename", &file])?;
    let taken = "jsonpath={.items[*].status.conditions[?(@.type=='Programmed')].status}";
    await_ready(&mut part, &log, Duration::from_secs(60), || {
        let query = ["-n", NAMESPACE, "get", "gateways", "-o", taken];
        kubectl(layout, &query).is_ok_and(|text| text == "True True")
    })?;
    Ok(part)
}
