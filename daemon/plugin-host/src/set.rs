//! Loaded plugins, and what one job asks of them.

use crate::{
    call::{Guest, call, measured},
    engine::{Host, HostError, Plugin},
    execute::Isolation,
    grant::{Grant, SitePolicy},
    kinds::{
        deploy_hook::{self, Next},
        detector::{self, Detect},
        registry_auth::Authenticate,
        test_runner::{self, MakePlan, Parse},
    },
    limits::{Ledger, Limits},
    manifest::Kind,
    markers,
    secrets::Vault,
    selftest,
    settings::over,
    state::CallContext,
    workspace::TreeHandle,
};
use async_trait::async_trait;
use futures::future::join_all;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};
use windlass_engine::{
    ports::{Detected, Detectors, Hooks, Login, TestRunners, Tree},
    recorder::Recorder,
};
use windlass_model::{
    app::{App, label},
    error::PluginError,
    hook::{About, ActionResult, Hook, HookStep, SecretSource},
    recipe::Recipe,
    testing::{TestOutput, TestPlan, TestSummary},
};

/// All that the operator configures of plugins.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// The components, in the order in which they are asked.
    pub plugins: Vec<Source>,
    /// What no plugin may do.
    pub policy: SitePolicy,
    /// Registries that a plugin logs in at.
    pub registries: Vec<RegistrySource>,
    /// What is done around releases, in order.
    pub hooks: Vec<HookSource>,
}

/// A plugin as the operator configures it.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// The component.
    pub path: PathBuf,
    /// Of the component, `sha256:…`. Needed where anything is granted.
    pub digest: Option<String>,
    /// Where it runs.
    pub isolation: Isolation,
    /// What it may do beyond its log, its settings and its tree.
    pub grant: Grant,
    /// Its limits.
    pub limits: Limits,
    /// Its settings: a JSON object.
    pub settings: Option<serde_json::Value>,
}

/// A registry that a plugin logs in at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RegistrySource {
    /// As image references name it.
    pub host: String,
    /// The plugin.
    pub plugin: String,
    /// Over the plugin's own: a JSON object.
    pub settings: serde_json::Value,
    /// Where its secrets are.
    pub secrets: BTreeMap<String, SecretSource>,
}

/// What is done around releases.
#[derive(Clone, Debug, PartialEq)]
pub struct HookSource {
    /// The hook; what apps say of it is handed in later.
    pub hook: Hook,
    /// Only for these projects; empty: for all.
    pub projects: Vec<String>,
    /// Only for these environments; empty: for all.
    pub environments: Vec<String>,
}

/// Loaded plugins, in the operator's order.
pub struct PluginSet {
    host: Arc<Host>,
    plugins: Vec<Arc<Plugin>>,
    registries: Vec<RegistrySource>,
    hooks: Vec<HookSource>,
}

/// The set that one job began with, and what it has used of it.
pub struct JobPlugins {
    set: Arc<PluginSet>,
    project: String,
    /// By plugin, over all its calls: many calls must not add up to more than one may.
    ledgers: Mutex<BTreeMap<String, Arc<Ledger>>>,
}

impl PluginSet {
    /// Loads all, or none.
    ///
    /// # Errors
    /// The first that cannot be loaded, or whose name is taken; or what is said of a registry or a
    /// hook and cannot be.
    pub async fn load(host: Arc<Host>, setup: &Setup) -> Result<Self, HostError> {
        let mut plugins: Vec<Arc<Plugin>> = Vec::new();
        for source in &setup.plugins {
            let plugin = host.load(source, &setup.policy).await?;
            let name = &plugin.manifest.name;
            let fail = |message| HostError { path: source.path.display().to_string(), message };
            if plugins.iter().any(|other| other.manifest.name == *name) {
                return Err(fail(format!("another plugin is called `{name}` too")));
            }
            // The others' are checked with what their registries and hooks say.
            if matches!(plugin.manifest.world, Kind::Detector | Kind::TestRunner) {
                plugin.schema.check(&plugin.settings).map_err(fail)?;
            }
            let version = &plugin.manifest.version;
            let digest = &plugin.digest;
            tracing::info!(plugin = name, version, digest, "plugin loaded");
            let plugin = Arc::new(plugin);
            selftest::run(&host, &plugin).await.map_err(fail)?;
            plugins.push(plugin);
        }
        let registries = setup.registries.clone();
        let hooks = setup.hooks.clone();
        let set = Self { host, plugins, registries, hooks };
        set.check()?;
        Ok(set)
    }

    /// Whether registries and hooks name plugins that are there, and give them what they need.
    fn check(&self) -> Result<(), HostError> {
        for registry in &self.registries {
            let at = format!("registries: {}", registry.host);
            let name = &registry.plugin;
            let settings = &registry.settings;
            self.check_use(Kind::RegistryAuth, name, settings, &registry.secrets)
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
            self.check_use(Kind::DeployHook, &hook.plugin, &settings, &hook.secrets)
                .map_err(fail)?;
        }
        Ok(())
    }

    fn check_use(
        &self,
        kind: Kind,
        name: &str,
        settings: &serde_json::Value,
        secrets: &BTreeMap<String, SecretSource>,
    ) -> Result<(), String> {
        let Some(plugin) = self.named(kind, name) else {
            let known: Vec<_> = self.of(kind).map(|plugin| &*plugin.manifest.name).collect();
            let world = kind.name();
            let known = known.join(", ");
            return Err(format!("plugin: no {world} `{name}` is loaded; there are: {known}"));
        };
        plugin.schema.check(&over(&plugin.settings, settings))?;
        let asks = &plugin.granted.asks().secrets;
        if let Some(other) = secrets.keys().find(|own| !asks.iter().any(|ask| ask.name == **own)) {
            return Err(format!("secrets: `{name}` does not ask for `{other}`: remove it"));
        }
        let missing = asks.iter().find(|ask| !ask.optional && !secrets.contains_key(&ask.name));
        match missing {
            Some(ask) => Err(format!(
                "secrets: `{name}` needs `{}` ({}): say where it is, such as {} = \"/etc/windlass/secrets/{}\"",
                ask.name, ask.reason, ask.name, ask.name
            )),
            None => Ok(()),
        }
    }

    /// For one job of a project, to its end.
    #[must_use]
    pub fn for_job(self: &Arc<Self>, project: &str) -> Arc<JobPlugins> {
        let set = self.clone();
        let project = project.to_owned();
        Arc::new(JobPlugins { set, project, ledgers: Mutex::default() })
    }

    /// What is said of the registry of this name.
    #[must_use]
    pub fn registry(&self, host: &str) -> Option<&RegistrySource> {
        self.registries.iter().find(|registry| registry.host == host)
    }

    /// What plugins are used for, beyond being asked of every job.
    pub(crate) fn around(&self) -> (&[RegistrySource], &[HookSource]) {
        (&self.registries, &self.hooks)
    }

    /// In the operator's order.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Plugin>> {
        self.plugins.iter()
    }

    fn named(&self, kind: Kind, name: &str) -> Option<&Arc<Plugin>> {
        self.of(kind).find(|plugin| plugin.manifest.name == name)
    }

    fn of(&self, kind: Kind) -> impl Iterator<Item = &Arc<Plugin>> {
        self.plugins.iter().filter(move |plugin| plugin.manifest.world == kind)
    }
}

impl JobPlugins {
    fn share(&self, plugin: &Plugin) -> CallContext {
        self.share_with(plugin, plugin.settings.to_string(), BTreeMap::new())
    }

    fn share_with(
        &self,
        plugin: &Plugin,
        settings: String,
        sources: BTreeMap<String, SecretSource>,
    ) -> CallContext {
        let mut ledgers = self.ledgers.lock().unwrap_or_else(PoisonError::into_inner);
        let ledger = ledgers.entry(plugin.manifest.name.clone()).or_default().clone();
        let project = Some(self.project.clone()).filter(|project| !project.is_empty());
        let store = self.set.host.secrets.clone();
        CallContext {
            limits: plugin.limits.clone(),
            ledger,
            granted: plugin.granted.clone(),
            vault: Vault { sources, project, store, ..Vault::default() },
            settings,
            project: self.project.clone(),
        }
    }

    /// Logs in at a registry that a plugin is configured for.
    ///
    /// # Errors
    /// What the plugin says, or what became of it.
    pub async fn authenticate(
        &self,
        registry: &RegistrySource,
        recorder: &Recorder,
    ) -> Result<Login, PluginError> {
        let Some(plugin) = self.set.named(Kind::RegistryAuth, &registry.plugin).cloned() else {
            return Err(gone(&registry.plugin, Authenticate::CALL));
        };
        let settings = over(&plugin.settings, &registry.settings).to_string();
        let share = self.share_with(&plugin, settings, registry.secrets.clone());
        let guest = Authenticate { registry: registry.host.clone() };
        call(self.set.host.clone(), plugin, share, guest, recorder).await
    }

    /// Those of a kind whose markers are in the tree, each with the files that say so.
    async fn matching(
        &self,
        tree: &dyn Tree,
        plugins: Vec<Arc<Plugin>>,
    ) -> Result<Vec<(Arc<Plugin>, Vec<String>)>, PluginError> {
        let markers: Vec<_> = plugins.iter().map(|plugin| &plugin.markers).collect();
        let scanned = markers::scan(tree.root(), &markers).await;
        let found = scanned.map_err(|error| PluginError {
            plugin: "all".into(),
            call: "markers".into(),
            message: format!("the tree cannot be read: {error}"),
            hint: None,
        })?;
        Ok(plugins.into_iter().zip(found).filter(|(_, paths)| !paths.is_empty()).collect())
    }

    async fn detect_with(
        &self,
        plugin: Arc<Plugin>,
        matched: Vec<String>,
        tree: &dyn Tree,
        recorder: &Recorder,
    ) -> Result<Option<Recipe>, PluginError> {
        let host = self.set.host.clone();
        let share = self.share(&plugin);
        let guest = Detect { tree: opened(&plugin, Detect::CALL, tree)?, matched };
        let found = call(host, plugin.clone(), share, guest, recorder).await?;
        let recipe = found.map(|found| detector::recipe(&plugin.manifest.name, found));
        recipe.map(|recipe| measured(&plugin, Detect::CALL, recipe)).transpose()
    }
}

#[async_trait]
impl Detectors for JobPlugins {
    async fn detect(&self, tree: &dyn Tree, recorder: &Recorder) -> Result<Detected, PluginError> {
        let detectors = self.set.of(Kind::Detector).cloned().collect();
        let matching = self.matching(tree, detectors).await?;
        let asked = matching
            .into_iter()
            .map(|(plugin, matched)| self.detect_with(plugin, matched, tree, recorder));
        let mut all = Detected::default();
        for answer in join_all(asked).await {
            match answer {
                Ok(recipe) => all.recipes.extend(recipe),
                Err(refusal) => all.refusals.push(refusal),
            }
        }
        Ok(all)
    }

    fn names(&self) -> Vec<String> {
        self.set.of(Kind::Detector).map(|plugin| plugin.manifest.name.clone()).collect()
    }
}

#[async_trait]
impl TestRunners for JobPlugins {
    async fn plan(
        &self,
        tree: &dyn Tree,
        language: &str,
        recorder: &Recorder,
    ) -> Result<Option<TestPlan>, PluginError> {
        let runners = self.set.of(Kind::TestRunner).filter(|plugin| plugin.speaks(language));
        for (plugin, matched) in self.matching(tree, runners.cloned().collect()).await? {
            let host = self.set.host.clone();
            let share = self.share(&plugin);
            let tree = opened(&plugin, MakePlan::CALL, tree)?;
            let guest = MakePlan { tree, language: language.into(), matched };
            let Some(plan) = call(host, plugin.clone(), share, guest, recorder).await? else {
                continue;
            };
            let plan = test_runner::plan(&plugin.manifest.name, plan);
            let plan = plan.map_err(|why| plugin.error(MakePlan::CALL, why, None))?;
            return measured(&plugin, MakePlan::CALL, plan).map(Some);
        }
        Ok(None)
    }

    async fn read(
        &self,
        language: &str,
        runner: Option<&str>,
        output: &TestOutput,
        recorder: &Recorder,
    ) -> Result<Option<TestSummary>, PluginError> {
        let fits = |plugin: &&Arc<Plugin>| {
            plugin.speaks(language) && runner.is_none_or(|name| plugin.manifest.name == name)
        };
        for plugin in self.set.of(Kind::TestRunner).filter(fits) {
            let host = self.set.host.clone();
            let share = self.share(plugin);
            let read = call(host, plugin.clone(), share, Parse::of(output), recorder).await?;
            if let Some(summary) = read {
                let mut summary = test_runner::summary(&plugin.manifest.name, summary);
                // Many long words: the counts stay true, the last failures lose theirs.
                while measured(plugin, Parse::CALL, &summary).is_err()
                    && summary.failures.pop().is_some()
                {}
                return measured(plugin, Parse::CALL, summary).map(Some);
            }
        }
        Ok(None)
    }
}

#[async_trait]
impl Hooks for JobPlugins {
    fn of(&self, app: &App, said: &BTreeMap<String, String>) -> Vec<Hook> {
        let hooks = self.set.hooks.iter();
        let hooks = hooks.filter(|source| app.is_of(&source.projects, &source.environments));
        hooks
            .map(|source| {
                let said = said.get(&source.hook.name).cloned();
                Hook { app_settings: said.unwrap_or_else(|| "{}".into()), ..source.hook.clone() }
            })
            .collect()
    }

    async fn next(
        &self,
        hook: &Hook,
        about: &About,
        earlier: Option<(&[u8], &[ActionResult])>,
        recorder: &Recorder,
    ) -> Result<HookStep, PluginError> {
        let Some(plugin) = self.set.named(Kind::DeployHook, &hook.plugin).cloned() else {
            return Err(gone(&hook.plugin, Next::CALL));
        };
        let own = serde_json::from_str(&hook.settings).unwrap_or_default();
        let settings = over(&plugin.settings, &own).to_string();
        let share = self.share_with(&plugin, settings.clone(), hook.secrets.clone());
        let guest = Next::of(hook, about, settings, earlier);
        let step = call(self.set.host.clone(), plugin.clone(), share, guest, recorder).await?;
        deploy_hook::step(&plugin.granted, step).map_err(|why| plugin.error(Next::CALL, why, None))
    }
}

/// The tree as a guest reads it.
fn opened(plugin: &Plugin, call: &str, tree: &dyn Tree) -> Result<TreeHandle, PluginError> {
    let opened = TreeHandle::disk(tree.root());
    opened.map_err(|error| plugin.error(call, format!("the tree cannot be read: {error}"), None))
}

/// A plan names a plugin, and the configuration of today does not.
fn gone(plugin: &str, call: &str) -> PluginError {
    PluginError {
        plugin: plugin.into(),
        call: call.into(),
        message: "it is not loaded any more".into(),
        hint: Some("put it back into the daemon's configuration".into()),
    }
}
