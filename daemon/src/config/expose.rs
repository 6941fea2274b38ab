//! The operator's rules on what apps expose.

use schemars::JsonSchema;
use serde::Deserialize;

/// Hosts, and the projects that may expose them. Of several patterns the closest counts. A host that no
/// other project may have is free: what a release of another project has is refused, unless this table
/// names both projects for it; then each has paths of its own.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct HostOwner {
    /// `shop.example.com`, `*.example.com` for all hosts below, or `*` for all and for routes without a
    /// host.
    pub(crate) pattern: String,
    /// Projects that may expose such a host. An empty list means all.
    #[serde(default)]
    pub(crate) projects: Vec<String>,
}

/// Rules on `[expose]` of apps, and on the routes and Services in their `manifests`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ExposeRules {
    /// Keys of annotations that apps may set, whole or as `prefix/*`. The list stands instead of the
    /// default. Snippets and keys that name hosts, paths, or servers to ask let one project change what a
    /// proxy does for others.
    pub(crate) annotations: Vec<String>,
    /// Kinds that apps may have among their manifests although their hosts cannot be compared with those
    /// of other projects: `VirtualService.networking.istio.io`.
    pub(crate) kinds: Vec<String>,
}

impl Default for ExposeRules {
    fn default() -> Self {
        Self { annotations: HARMLESS.map(String::from).into(), kinds: Vec::new() }
    }
}

/// Annotations that change how requests of the app's own host are served, and nothing else.
const HARMLESS: [&str; 24] = [
    "cert-manager.io/cluster-issuer",
    "cert-manager.io/duration",
    "cert-manager.io/issuer",
    "cert-manager.io/renew-before",
    "kubernetes.io/tls-acme",
    "nginx.ingress.kubernetes.io/backend-protocol",
    "nginx.ingress.kubernetes.io/force-ssl-redirect",
    "nginx.ingress.kubernetes.io/limit-connections",
    "nginx.ingress.kubernetes.io/limit-rpm",
    "nginx.ingress.kubernetes.io/limit-rps",
    "nginx.ingress.kubernetes.io/proxy-body-size",
    "nginx.ingress.kubernetes.io/proxy-buffering",
    "nginx.ingress.kubernetes.io/proxy-connect-timeout",
    "nginx.ingress.kubernetes.io/proxy-read-timeout",
    "nginx.ingress.kubernetes.io/proxy-request-buffering",
    "nginx.ingress.kubernetes.io/proxy-send-timeout",
    "nginx.ingress.kubernetes.io/ssl-redirect",
    "cloud.google.com/load-balancer-type",
    "networking.gke.io/load-balancer-type",
    "prometheus.io/path",
    "prometheus.io/port",
    "prometheus.io/scheme",
    "prometheus.io/scrape",
    "service.beta.kubernetes.io/azure-load-balancer-internal",
];
