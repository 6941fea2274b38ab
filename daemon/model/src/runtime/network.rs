//! The `ServiceAccount` and the `NetworkPolicy` of an app.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The `ServiceAccount` that gives pods their rights.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// An existing account that Windlass does not manage. `None` means one of the app's own, without
    /// rights.
    pub existing: Option<String>,
    /// `metadata.annotations` of the app's own account: clouds read roles from them.
    pub annotations: BTreeMap<String, String>,
    /// `automountServiceAccountToken`: pods get a token for the API server.
    pub token: bool,
}

/// A `NetworkPolicy`: traffic that is allowed from and to pods.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// Namespaces whose pods may connect to the app. Pods of the app always may.
    pub from: Vec<String>,
    /// Peers that the app may connect to, beside DNS and the app's own pods.
    pub to: Vec<Peer>,
}

/// A range of addresses and a port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    /// `ipBlock.cidr`, such as `10.0.0.0/8`.
    pub cidr: String,
    /// `None` means any port.
    pub port: Option<u16>,
}
