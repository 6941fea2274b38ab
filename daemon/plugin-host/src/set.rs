//! Loaded plugins, with the registries and hooks that use them. Both are checked against each other.

use crate::{
    load::{Host, HostError},
    manifest::Kind,
    markers::Markers,
    plugin::Plugin,
    selftest,
    settings::merged,
    setup::{HookSource, RegistrySource, Setup},
};
use std::{collections::BTreeSet, sync::Arc};
use windlass_engine::ports::Secrets;
use windlass_model::app::label;

/// Loaded plugins, in the operator's order.
pub struct PluginSet {
    plugins: Vec<Arc<Plugin>>,
    /// Markers of all detectors, in their order.
    detectors: Markers,
    /// Markers of all test runners, in their order.
    runners: Markers,
    registries: Vec<RegistrySource>,
    pulls: Vec<RegistrySource>,
    hooks: Vec<HookSource>,
    /// Secrets of projects. `None` means that no hook can use any.
    secrets: Option<Arc<dyn Secrets>>,
}

impl PluginSet {
    /// Loads all plugins, or none.
    ///
    /// # Errors
    /// Returns [`HostError`] for the first plugin that cannot be loaded or whose name is taken, or for a registry
    /// or a hook that does not fit its plugin.
    pub async fn load(host: Arc<Host>, setup: &Setup) -> Result<Self, HostError> {
        let mut plugins: Vec<Arc<Plugin>> = Vec::new();
        for source in &setup.plugins {
            let plugin = host.load(source, &setup.policy).await?;
            let name = &plugin.manifest.name;
            let fail = |message| HostError { path: source.path.display().to_string(), message };
            if plugins.iter().any(|other| other.manifest.name == *name) {
                return Err(fail(format!("another plugin has the name `{name}` too")));
            }
            // Settings of the other kinds are checked with those of their registries and hooks.
            if matches!(plugin.manifest.world, Kind::Detector | Kind::TestRunner) {
                plugin.schema.check(&plugin.settings).map_err(fail)?;
            }
            let version = &plugin.manifest.version;
            let digest = &plugin.digest;
            tracing::info!(plugin = name, version, digest, "plugin loaded");
            selftest::run(&plugin).await.map_err(fail)?;
            plugins.push(Arc::new(plugin));
        }
        let registries = setup.registries.clone();
        let pulls = setup.pulls.clone();
        let hooks = setup.hooks.clone();
        let markers = |kind: Kind| {
            let of_kind = |plugin: &&Arc<Plugin>| plugin.manifest.world == kind;
            let globs = plugins.iter().filter(of_kind).map(|plugin| &*plugin.manifest.markers);
            // Each compiled by itself already: only all together can be too large.
            Markers::of(globs).map_err(|message| HostError { path: "all".into(), message })
        };
        let detectors = markers(Kind::Detector)?;
        let runners = markers(Kind::TestRunner)?;
        let secrets = host.secrets.clone();
        let set = Self { plugins, detectors, runners, registries, pulls, hooks, secrets };
        set.check()?;
        // Only now: until the whole set is loaded, the one before it stays in use.
        host.prune(&set.all().map(|plugin| &*plugin.digest).collect::<Vec<_>>());
        Ok(set)
    }

    /// Checks that registries and hooks name loaded plugins, with the settings and secrets that these need.
    fn check(&self) -> Result<(), HostError> {
        for registry in self.registries.iter().chain(&self.pulls) {
            let at = format!("registries: {}", registry.host);
            let name = &registry.plugin;
            let settings = &registry.settings;
            let secrets = registry.secrets.keys().map(String::as_str).collect();
            self.check_use(Kind::RegistryAuth, name, settings, &secrets)
                .map_err(|message| HostError { path: at, message })?;
        }
        let mut names = BTreeSet::new();
        for HookSource { hook, .. } in &self.hooks {
            let fail = |message| HostError { path: format!("hooks: {}", hook.name), message };
            label("name", &hook.name, 30).map_err(|error| fail(error.to_string()))?;
            if !names.insert(&hook.name) {
                return Err(fail("another hook has this name".into()));
            }
            let settings = serde_json::from_str(&hook.settings)
                .map_err(|error| fail(format!("settings: {error}")))?;
            let secrets = hook.secrets.keys().map(String::as_str).collect();
            self.check_use(Kind::DeployHook, &hook.plugin, &settings, &secrets).map_err(fail)?;
        }
        Ok(())
    }

    fn check_use(
        &self,
        kind: Kind,
        name: &str,
        settings: &serde_json::Value,
        secrets: &BTreeSet<&str>,
    ) -> Result<(), String> {
        let Some(plugin) = self.named(kind, name) else {
            let known: Vec<_> = self.of(kind).map(|plugin| &*plugin.manifest.name).collect();
            let world = kind.name();
            let known = known.join(", ");
            return Err(format!("plugin: no {world} `{name}` is loaded; there are: {known}"));
        };
        plugin.schema.check(&merged(&plugin.settings, settings))?;
        let asks = &plugin.granted.asks().secrets;
        if let Some(other) = secrets.iter().find(|own| !asks.iter().any(|ask| ask.name == **own)) {
            return Err(format!("secrets: `{name}` does not ask for `{other}`: remove it"));
        }
        let missing = asks.iter().find(|ask| !ask.optional && !secrets.contains(&*ask.name));
        match missing {
            Some(ask) => Err(format!(
                "secrets: `{name}` needs `{}` ({}): say where it is, such as {} = \"/etc/windlass/secrets/{}\"",
                ask.name, ask.reason, ask.name, ask.name
            )),
            None => Ok(()),
        }
    }

    /// Checks that a registry-auth plugin is loaded, and takes these settings and secrets.
    ///
    /// # Errors
    /// The part that does not fit, and what is expected.
    pub fn check_registry(
        &self,
        plugin: &str,
        settings: &serde_json::Value,
        secrets: &BTreeSet<&str>,
    ) -> Result<(), String> {
        let asks =
            self.named(Kind::RegistryAuth, plugin).map(|found| &found.granted.asks().secrets);
        let missing = |name: &str| !secrets.contains(name);
        let ask = asks.into_iter().flatten().find(|ask| !ask.optional && missing(&ask.name));
        if let Some(ask) = ask {
            // Nobody but the operator names files of the daemon's host.
            return Err(format!("secrets: `{plugin}` needs `{}`: {}", ask.name, ask.reason));
        }
        self.check_use(Kind::RegistryAuth, plugin, settings, secrets)
    }

    /// Returns the hosts of all registries that plugins log in at.
    pub fn registry_hosts(&self) -> impl Iterator<Item = &str> {
        self.registries.iter().chain(&self.pulls).map(|registry| &*registry.host)
    }

    /// Returns the configuration of a registry. `None` means that no plugin logs in there.
    #[must_use]
    pub fn registry(&self, host: &str) -> Option<&RegistrySource> {
        self.registries.iter().find(|registry| registry.host == host)
    }

    /// Returns the configuration of a registry's login for pulls alone. `None` means that no plugin logs in
    /// there for pulls alone.
    #[must_use]
    pub fn pull_registry(&self, host: &str) -> Option<&RegistrySource> {
        self.pulls.iter().find(|registry| registry.host == host)
    }

    /// Returns whether another set is used by the same registries and hooks.
    pub(crate) fn has_same_uses(&self, other: &Self) -> bool {
        self.registries == other.registries
            && self.pulls == other.pulls
            && self.hooks == other.hooks
    }

    /// Returns the hooks that use plugins.
    pub(crate) fn hooks(&self) -> &[HookSource] {
        &self.hooks
    }

    /// Returns all plugins in the operator's order.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Plugin>> {
        self.plugins.iter()
    }

    pub(crate) fn named(&self, kind: Kind, name: &str) -> Option<&Arc<Plugin>> {
        self.of(kind).find(|plugin| plugin.manifest.name == name)
    }

    pub(crate) fn of(&self, kind: Kind) -> impl Iterator<Item = &Arc<Plugin>> {
        self.plugins.iter().filter(move |plugin| plugin.manifest.world == kind)
    }

    /// Returns the markers of all detectors, in the order of [`Self::of`].
    pub(crate) fn detector_markers(&self) -> &Markers {
        &self.detectors
    }

    /// Returns the markers of all test runners, in the order of [`Self::of`].
    pub(crate) fn runner_markers(&self) -> &Markers {
        &self.runners
    }

    /// Returns the secrets of projects.
    pub(crate) fn secrets(&self) -> Option<&Arc<dyn Secrets>> {
        self.secrets.as_ref()
    }
}
