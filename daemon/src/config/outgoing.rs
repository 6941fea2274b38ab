//! `[outgoing]`: messages to forges and to endpoints of projects.

use schemars::JsonSchema;
use serde::Deserialize;
use std::path::PathBuf;

/// Commit statuses and webhooks that the daemon sends. Public addresses are reached over HTTPS without a setting.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Outgoing {
    /// Private hosts that messages may go to, over HTTP too: `git.example.com`, `10.1.2.3:3000`, or a network such as
    /// `10.0.0.0/8`. By default none: a project names the address, and must not reach what is beside the daemon.
    pub(crate) allow: Vec<String>,
    /// PEM file of certificate authorities for such hosts, beside those of the system.
    pub(crate) ca: Option<PathBuf>,
}
