//! What is said of an app as a whole: who reaches it, and what it may do.

use crate::runtime::ServiceKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How the world reaches `web`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ExposeSpec {
    /// `cluster` or `load-balancer`. Default `cluster`.
    pub service: Option<ServiceKind>,
    /// The Service's port. Default 80.
    pub port: Option<u16>,
    /// Host names that lead here; they need `gateway` or `ingress-class`.
    pub hosts: Vec<String>,
    /// Only requests under it. Default `/`.
    pub path: Option<String>,
    /// A Gateway, `name` or `namespace/name`: an HTTPRoute is made.
    pub gateway: Option<String>,
    /// An IngressClass: an Ingress is made.
    pub ingress_class: Option<String>,
    /// With `ingress-class`: a Secret of the namespace with certificate and key.
    pub tls_secret: Option<String>,
    /// On the Service and the Ingress; load balancers are told by them.
    pub annotations: BTreeMap<String, String>,
}

/// Whose rights pods have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct AccountSpec {
    /// A ServiceAccount of the namespace. Default: one of the app's own, without rights.
    pub name: Option<String>,
    /// On the app's own; clouds read roles from them.
    pub annotations: BTreeMap<String, String>,
    /// Pods get a token for the API server. Default false.
    pub token: Option<bool>,
}

/// Who may talk to pods and whom they may talk to (a NetworkPolicy).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct NetworkSpec {
    /// Makes the rule: the app's own pods, DNS, and what is named below. Default: true where
    /// anything is named.
    pub restrict: Option<bool>,
    /// Namespaces whose pods may talk to it, such as the gateway's.
    pub from: Vec<String>,
    /// `CIDR` or `CIDR:port` that it may talk to: `10.0.0.0/8:5432`.
    pub to: Vec<String>,
}
