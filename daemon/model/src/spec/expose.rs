//! Keys of an app as a whole: `Service` and route, `ServiceAccount`, `NetworkPolicy`.

use crate::runtime::ServiceKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The way by which the world reaches `web`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ExposeSpec {
    /// Kind of the Service: `cluster` or `load-balancer`. Default `cluster`.
    pub service: Option<ServiceKind>,
    /// Port of the Service. Default 80.
    pub port: Option<u16>,
    /// Host names that lead to the app. They need `gateway` or `ingress-class`.
    pub hosts: Vec<String>,
    /// Path prefix of the requests that are led to the app. Default `/`.
    pub path: Option<String>,
    /// A Gateway, `name` or `namespace/name`, for which an HTTPRoute is made.
    pub gateway: Option<String>,
    /// An IngressClass (`ingressClassName`), for which an Ingress is made.
    pub ingress_class: Option<String>,
    /// A Secret of the namespace with certificate and key, for `ingress-class` (`tls.secretName`).
    pub tls_secret: Option<String>,
    /// Annotations of the Service and the Ingress, which configure load balancers. The operator says which
    /// keys are allowed.
    pub annotations: BTreeMap<String, String>,
}

/// The account that gives pods their rights (a ServiceAccount).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct AccountSpec {
    /// An existing ServiceAccount of the namespace. Default: one of the app's own, without rights.
    pub name: Option<String>,
    /// Annotations of the app's own account. Clouds read roles from them.
    pub annotations: BTreeMap<String, String>,
    /// Gives pods a token for the API server (`automountServiceAccountToken`). Default false.
    pub token: Option<bool>,
}

/// Traffic that is allowed from and to pods (a NetworkPolicy).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct NetworkSpec {
    /// Allows only the app's own pods, DNS, and the names of `from` and `to`. Default: true if one of
    /// them names anything.
    pub restrict: Option<bool>,
    /// Namespaces whose pods may connect to the app, such as the gateway's.
    pub from: Vec<String>,
    /// `CIDR` or `CIDR:port` that the app may connect to: `10.0.0.0/8:5432`.
    pub to: Vec<String>,
}
