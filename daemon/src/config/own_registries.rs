//! `[own-registries]`: what projects may bring.

use schemars::JsonSchema;
use serde::Deserialize;
use std::path::PathBuf;
use windlass_registry::Rules;

/// Registries that projects may bring themselves, by `windlass registry put`. A reload reads it again.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct OwnRegistries {
    /// Hosts that projects may bring: `ghcr.io`, `*.example.com` for all hosts below, or `*` for all. An entry without a
    /// port stands for all ports. By default none: nobody brings a registry.
    pub(crate) allow: Vec<String>,
    /// Networks of private addresses that such a registry may have, such as `10.0.0.0/8`. By default none: a project
    /// names the host, and must not reach what is beside the daemon.
    pub(crate) private_addresses: Vec<String>,
    /// Hosts that are asked over HTTP, as images name them: `registry.corp:5000`. Passwords go there in clear. Builder
    /// and nodes have settings of their own for it.
    pub(crate) plain_http: Vec<String>,
    /// Registry-auth plugins that projects may log in with, by name. Settings and secrets are the project's, rights are
    /// those of the plugin's grant. By default none.
    pub(crate) plugins: Vec<String>,
    /// PEM file of certificate authorities for the check of logins, beside those of the system.
    pub(crate) ca: Option<PathBuf>,
}

impl OwnRegistries {
    /// Returns the rules for hosts and addresses.
    ///
    /// # Errors
    /// The key, the entry that cannot be read, and what is expected.
    pub(crate) fn rules(&self) -> Result<Rules, String> {
        Rules::parse(&self.allow, &self.private_addresses, &self.plain_http)
    }
}
