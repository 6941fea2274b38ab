//! Plugins, registries and hooks as the operator configures them.

use crate::{
    grant::{Grant, SitePolicy},
    limits::Limits,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::PathBuf};
use windlass_model::hook::{Hook, SecretSource};

/// All that the operator configures of plugins.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// Plugins, in the order in which they are asked.
    pub plugins: Vec<Source>,
    /// Limits and denials that hold for every plugin.
    pub policy: SitePolicy,
    /// Registries that a plugin logs in at.
    pub registries: Vec<RegistrySource>,
    /// Registries that a plugin logs in at for pulls alone, with less rights.
    pub pulls: Vec<RegistrySource>,
    /// Hooks around releases, in order.
    pub hooks: Vec<HookSource>,
}

/// A plugin as the operator configures it.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// File of the component.
    pub path: PathBuf,
    /// Digest of the component, `sha256:…`. `None` is allowed where nothing is granted.
    pub digest: Option<String>,
    /// Place where it runs.
    pub isolation: Isolation,
    /// Rights beyond its log, its settings and its tree.
    pub grant: Grant,
    /// Limits of its calls.
    pub limits: Limits,
    /// Settings: a JSON object. `None` is an empty one.
    pub settings: Option<serde_json::Value>,
}

/// Place where a plugin runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Isolation {
    /// A sandbox in the daemon's process.
    #[default]
    Sandbox,
    /// The sandbox in a process of its own, without credentials, network or most system calls.
    Process,
}

/// A registry that a plugin logs in at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RegistrySource {
    /// Host, as image references name it.
    pub host: String,
    /// Name of the plugin.
    pub plugin: String,
    /// Settings that go before the plugin's own, key by key: a JSON object.
    pub settings: serde_json::Value,
    /// Places of its secrets, by the names that the plugin gives them.
    pub secrets: BTreeMap<String, SecretSource>,
}

/// A hook around releases, and the apps that it is for.
#[derive(Clone, Debug, PartialEq)]
pub struct HookSource {
    /// Hook without the settings of an app, which are added for each job.
    pub hook: Hook,
    /// Projects that the hook is for. Empty means all.
    pub projects: Vec<String>,
    /// Environments that the hook is for. Empty means all.
    pub environments: Vec<String>,
}
