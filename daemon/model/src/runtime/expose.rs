//! The `Service`, and the `Ingress` or `HTTPRoute` before it.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The way by which the world reaches an app: a `Service`, and what leads to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expose {
    /// `type` of the `Service`. `None` means that there is no `Service`, because nothing listens.
    pub service: Option<ServiceKind>,
    /// `port` of the `Service`.
    pub port: u16,
    /// Host names of the route. Empty means any host.
    pub hosts: Vec<String>,
    /// Path prefix of the requests that the route takes.
    pub path: String,
    /// `None` means that only the `Service` leads to the app.
    pub route: Option<Route>,
    /// `metadata.annotations` of the `Service` and the `Ingress`.
    pub annotations: BTreeMap<String, String>,
}

/// The kind of a `Service`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceKind {
    /// `ClusterIP`: reached from within the cluster.
    #[default]
    Cluster,
    /// `LoadBalancer`: reached at an address of its own.
    LoadBalancer,
}

/// The object that leads requests from outside to a `Service`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// An `HTTPRoute` at a `Gateway`.
    Gateway {
        /// Namespace of the `Gateway`. `None` means the app's own.
        namespace: Option<String>,
        /// Name of the `Gateway`.
        name: String,
    },
    /// An `Ingress`.
    Ingress {
        /// `ingressClassName`.
        class: String,
        /// `secretName` of `tls`: a `Secret` of the namespace with certificate and key. `None` means
        /// HTTP without TLS.
        tls: Option<String>,
    },
}
