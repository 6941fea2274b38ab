//! Plugins of one job: the set that the job began with, as ports of the engine.

use crate::{
    host::CallContext,
    kinds::{
        Guest,
        deploy_hook::{self, Next},
        detector::{self, Detect},
        registry_auth::Authenticate,
        test_runner::{self, MakePlan, Parse},
    },
    limits::Ledger,
    manifest::Kind,
    markers::{self, Scan},
    plugin::Plugin,
    resources::Vault,
    run::call::call,
    set::PluginSet,
    settings::merged,
    setup::RegistrySource,
    tree::TreeHandle,
};
use async_trait::async_trait;
use futures::future::join_all;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};
use windlass_engine::{
    ports::{Detections, Detectors, Hooks, Login, TestRunners, Tree},
    recorder::Recorder,
};
use windlass_model::{
    app::App,
    error::PluginError,
    event::Event,
    hook::{About, ActionResult, Hook, HookStep, SecretSource},
    job::Stage,
    recipe::Recipe,
    testing::{TestOutput, TestPlan, TestSummary},
};

/// Set that one job began with, with the budgets that its plugins have used.
pub struct JobPlugins {
    set: Arc<PluginSet>,
    project: String,
    /// Ledgers by plugin, for all calls of the job: a plugin's budgets are per job.
    ledgers: Mutex<BTreeMap<String, Arc<Ledger>>>,
}

impl PluginSet {
    /// Returns the plugins for one job of a project, to its end.
    #[must_use]
    pub fn for_job(self: &Arc<Self>, project: &str) -> Arc<JobPlugins> {
        let set = self.clone();
        let project = project.to_owned();
        Arc::new(JobPlugins { set, project, ledgers: Mutex::default() })
    }
}

impl JobPlugins {
    fn context(&self, plugin: &Plugin) -> CallContext {
        self.context_with(plugin, plugin.settings.to_string(), BTreeMap::new())
    }

    fn context_with(
        &self,
        plugin: &Plugin,
        settings: String,
        sources: BTreeMap<String, SecretSource>,
    ) -> CallContext {
        let mut ledgers = self.ledgers.lock().unwrap_or_else(PoisonError::into_inner);
        let ledger = ledgers.entry(plugin.manifest.name.clone()).or_default().clone();
        let project = Some(self.project.clone()).filter(|project| !project.is_empty());
        let store = self.set.secrets().cloned();
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
    /// Returns the plugin's own error, or the reason why there is no answer.
    pub async fn authenticate(
        &self,
        registry: &RegistrySource,
        recorder: &Recorder,
    ) -> Result<Login, PluginError> {
        let Some(plugin) = self.set.named(Kind::RegistryAuth, &registry.plugin).cloned() else {
            return Err(not_loaded(&registry.plugin, Authenticate::CALL));
        };
        let settings = merged(&plugin.settings, &registry.settings).to_string();
        let context = self.context_with(&plugin, settings, registry.secrets.clone());
        let guest = Authenticate { registry: registry.host.clone() };
        call(&plugin, context, guest, recorder).await
    }

    /// Returns the plugins whose markers are in the tree, each with the files that match.
    async fn matching(
        &self,
        tree: &dyn Tree,
        plugins: Vec<Arc<Plugin>>,
        stage: Stage,
        recorder: &Recorder,
    ) -> Result<Vec<(Arc<Plugin>, Vec<String>)>, PluginError> {
        let markers: Vec<_> = plugins.iter().map(|plugin| &plugin.markers).collect();
        let scanned = markers::scan(tree.root(), &markers).await;
        let Scan { found, cut_at } = scanned.map_err(|error| PluginError {
            plugin: "all".into(),
            call: "markers".into(),
            message: format!("the tree cannot be read: {error}"),
            hint: None,
        })?;
        if let Some(most) = cut_at {
            let message = format!(
                "the app's folder has more than {most} files and folders: plugins were shown those of the first {most}, from its root on"
            );
            let fix =
                "set `source.directory` to the app's own folder, or commit a Dockerfile".into();
            recorder.record(Event::Warning { stage, message, fix }).await;
        }
        Ok(plugins.into_iter().zip(found).filter(|(_, paths)| !paths.is_empty()).collect())
    }

    async fn detect_with(
        &self,
        plugin: Arc<Plugin>,
        matched: Vec<String>,
        tree: &dyn Tree,
        recorder: &Recorder,
    ) -> Result<Option<Recipe>, PluginError> {
        let context = self.context(&plugin);
        let guest = Detect { tree: opened(&plugin, Detect::CALL, tree)?, matched };
        let found = call(&plugin, context, guest, recorder).await?;
        let recipe = found.map(|found| detector::recipe(&plugin.manifest.name, found));
        recipe.map(|recipe| plugin.measured(Detect::CALL, recipe)).transpose()
    }
}

#[async_trait]
impl Detectors for JobPlugins {
    async fn detect(
        &self,
        tree: &dyn Tree,
        recorder: &Recorder,
    ) -> Result<Detections, PluginError> {
        let detectors = self.set.of(Kind::Detector).cloned().collect();
        let matching = self.matching(tree, detectors, Stage::Detect, recorder).await?;
        let asked = matching
            .into_iter()
            .map(|(plugin, matched)| self.detect_with(plugin, matched, tree, recorder));
        let mut all = Detections::default();
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
        let runners = runners.cloned().collect();
        for (plugin, matched) in self.matching(tree, runners, Stage::Test, recorder).await? {
            let context = self.context(&plugin);
            let tree = opened(&plugin, MakePlan::CALL, tree)?;
            let guest = MakePlan { tree, language: language.into(), matched };
            let Some(plan) = call(&plugin, context, guest, recorder).await? else { continue };
            let plan = test_runner::plan(&plugin.manifest.name, plan);
            let plan = plan.map_err(|why| plugin.error(MakePlan::CALL, why, None))?;
            return plugin.measured(MakePlan::CALL, plan).map(Some);
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
            let context = self.context(plugin);
            let read = call(plugin, context, Parse::of(output), recorder).await?;
            if let Some(summary) = read {
                let mut summary = test_runner::summary(&plugin.manifest.name, summary);
                // Too long: the counts stay true, and the last failures are dropped.
                while plugin.measured(Parse::CALL, &summary).is_err()
                    && summary.failures.pop().is_some()
                {}
                return plugin.measured(Parse::CALL, summary).map(Some);
            }
        }
        Ok(None)
    }
}

#[async_trait]
impl Hooks for JobPlugins {
    fn of(&self, app: &App, app_settings: &BTreeMap<String, String>) -> Vec<Hook> {
        let hooks = self.set.hooks().iter();
        let own = hooks.filter(|source| app.is_of(&source.projects, &source.environments));
        own.map(|source| {
            let requested = app_settings.get(&source.hook.name).cloned();
            Hook { app_settings: requested.unwrap_or_else(|| "{}".into()), ..source.hook.clone() }
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
            return Err(not_loaded(&hook.plugin, Next::CALL));
        };
        let own = serde_json::from_str(&hook.settings).unwrap_or_default();
        let settings = merged(&plugin.settings, &own).to_string();
        let context = self.context_with(&plugin, settings.clone(), hook.secrets.clone());
        let guest = Next::of(hook, about, settings, earlier);
        let step = call(&plugin, context, guest, recorder).await?;
        deploy_hook::step(&plugin.granted, step).map_err(|why| plugin.error(Next::CALL, why, None))
    }
}

/// Returns the tree as a guest reads it.
fn opened(plugin: &Plugin, call: &str, tree: &dyn Tree) -> Result<TreeHandle, PluginError> {
    let opened = TreeHandle::disk(tree.root());
    opened.map_err(|error| plugin.error(call, format!("the tree cannot be read: {error}"), None))
}

/// Returns the error of a plan that names a plugin which is not configured any more.
fn not_loaded(plugin: &str, call: &str) -> PluginError {
    PluginError {
        plugin: plugin.into(),
        call: call.into(),
        message: "it is not loaded any more".into(),
        hint: Some("put it back into the daemon's configuration".into()),
    }
}
