//! `[[registries]]`: logins for pushes and pulls.

use super::form::object;
use schemars::JsonSchema;
use serde::Deserialize;
use std::{collections::BTreeMap, path::PathBuf};

/// A login at a registry, for pushes, and without `pull` also for pulls of the builder and for the pull
/// secret of each app. It has either `username` and `password-file`, or `plugin`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Registry {
    /// Host as images name it, with its port where it has one.
    pub(crate) host: String,
    /// User of a fixed login.
    pub(crate) username: Option<String>,
    /// File with the password or token of a fixed login, at most 64 KiB. It is read at each login: a
    /// password that is rotated is used at once, and reaches the pull secrets of running apps within ten
    /// minutes.
    pub(crate) password_file: Option<PathBuf>,
    /// Name of a registry-auth plugin that logs in.
    pub(crate) plugin: Option<String>,
    /// Settings that override those of the plugin.
    #[serde(default = "object")]
    pub(crate) settings: serde_json::Value,
    /// Files with the plugin's secrets, by the names in its manifest. They are read at each login.
    #[serde(default)]
    pub(crate) secrets: BTreeMap<String, PathBuf>,
    /// Login that may only read, for pulls of the builder and for the pull secret of each app. Without it
    /// every namespace holds the login above, and whoever reads a pull secret can push images of all
    /// projects.
    pub(crate) pull: Option<PullLogin>,
}

/// A login at a registry for pulls alone. It has either `username` and `password-file`, or `plugin`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct PullLogin {
    /// User of a fixed login.
    pub(crate) username: Option<String>,
    /// File with the password or token of a fixed login, at most 64 KiB. It is read at each login.
    pub(crate) password_file: Option<PathBuf>,
    /// Name of a registry-auth plugin that logs in.
    pub(crate) plugin: Option<String>,
    /// Settings that override those of the plugin.
    #[serde(default = "object")]
    pub(crate) settings: serde_json::Value,
    /// Files with the plugin's secrets, by the names in its manifest. They are read at each login.
    #[serde(default)]
    pub(crate) secrets: BTreeMap<String, PathBuf>,
}
